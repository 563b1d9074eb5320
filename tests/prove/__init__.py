"""What the trainer promises, measured: `python -m tests.prove`."""

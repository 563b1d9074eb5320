"""The promised figures, measured: `python -m tests.bench`."""

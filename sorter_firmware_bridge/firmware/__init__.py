"""The reference firmware: its table, its compiler run, and how it gets onto a board."""

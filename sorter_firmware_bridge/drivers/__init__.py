"""One driver for each kind of machine."""

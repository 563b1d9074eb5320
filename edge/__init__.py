"""Sees, labels, explains, decides and shows, on the device beside the machine."""

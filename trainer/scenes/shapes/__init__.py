"""Shapes of parts computed from published dimensions, family by family."""

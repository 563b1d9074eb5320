"""Scenes to pictures, instance maps and data sets."""

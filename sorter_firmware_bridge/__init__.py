"""Moves the bins of a sorting machine; knows no camera, model or label."""

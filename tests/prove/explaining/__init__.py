"""Figures of the explanations, measured."""

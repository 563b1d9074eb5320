"""Scenes of bricks: which parts there are, their shapes, and how they come to rest."""

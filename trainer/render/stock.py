"""Gathers what scenes are drawn from."""

from pathlib import Path

from trainer.scenes.geometry import Geometry
from trainer.scenes.poses import SHIPPED, read_poses
from trainer.scenes.sampling import Stock, find_photographs
from trainer.scenes.settings import SceneSettings


def open_stock(geometry: Geometry, settings: SceneSettings, poses: Path = SHIPPED) -> Stock:
    """Sizes of all parts that have a shape, the poses, the user's grounds.

    Raises:
        GeometryError: A shape cannot be had.
        PoseError: The pose library is damaged.
        PictureError: The folder of grounds is missing or empty.
    """
    sizes = {part: geometry.mesh(part).size_mm for part in geometry.ids()}
    return Stock(sizes, read_poses(poses), find_photographs(settings))


def drawable_parts(geometry: Geometry, settings: SceneSettings) -> tuple[str, ...]:
    """Ids of the parts scenes may hold, sorted."""
    known = set(geometry.ids())
    return tuple(sorted(known & set(settings.parts) if settings.parts else known))

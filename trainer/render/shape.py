"""The shape of a body, as the steps of a scene's realism have it."""

from trainer.scenes.clutter import shape_mesh
from trainer.scenes.geometry import Geometry
from trainer.scenes.mesh import Mesh
from trainer.scenes.relief import with_relief

SHAPE_STEPS = frozenset({"curves", "relief"})
"""Of `trainer.scenes.realism`: those that change shapes."""


def shape_of(key: str, realism: frozenset[str], geometry: Geometry) -> Mesh:
    """The mesh of a body.

    Args:
        key: As `Body.key`: a part id, or "@" and a simple shape.
        realism: Steps of the scene.
        geometry: Shapes of the parts.

    Raises:
        GeometryError: The part has no shape.
    """
    if key[0] == "@":
        return shape_mesh(key[1:])
    mesh = geometry.mesh(key, "curves" in realism)
    return with_relief(mesh) if "relief" in realism else mesh

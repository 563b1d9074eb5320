"""Shapes as OpenGL holds them: made once for each shape and the steps of realism that change it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.render.shape import SHAPE_STEPS, shape_of
from trainer.scenes.edges import FAR_MM, edges_of
from trainer.scenes.geometry import Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Programs:
    """The shader programs that draw shapes: lit, as depth from a light, and as a flat mark."""

    surface: Any
    depth: Any
    flat: Any


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """One shape's vertex array for each of `Programs`."""

    surface: Any
    depth: Any
    flat: Any


class VertexArrays:
    """Vertex arrays by shape.

    Args:
        gl: The OpenGL context.
        geometry: Shapes of the parts.
        programs: That draw them.
    """

    def __init__(self, gl: Any, geometry: Geometry, programs: Programs) -> None:
        self._gl, self._geometry, self._programs = gl, geometry, programs
        self._made: dict[tuple[str, frozenset[str]], Arrays] = {}

    def of(self, key: str, realism: frozenset[str]) -> Arrays:
        """The arrays of a shape.

        Args:
            key: As `trainer.render.bodies.Body.key`.
            realism: Steps of the scene.

        Raises:
            GeometryError: The part has no shape.
        """
        variant = key, realism & SHAPE_STEPS
        if variant not in self._made:
            self._made[variant] = self._make(*variant)
        return self._made[variant]

    def _make(self, key: str, steps: frozenset[str]) -> Arrays:
        mesh = shape_of(key, steps, self._geometry)
        edges = edges_of(mesh)
        # A simple shape is stretched, and with it the distance of its edges; it has none.
        away = edges.away_mm if key[0] != "@" else np.full_like(edges.away_mm, FAR_MM)
        beyond = np.broadcast_to(edges.beyond.reshape(-1, 1, 9), (len(mesh.triangles), 3, 9))
        corners = self._buffer(np.concatenate([mesh.triangles, mesh.normals, away], axis=2))
        # The library's own sides do for shadows, and are a third as many.
        thrown = self._buffer(shape_of(key, frozenset(), self._geometry).triangles)
        surface = [
            (corners, "3f 3f 3f", "position", "normal", "away"),
            (self._buffer(beyond), "3f 3f 3f", "beyond0", "beyond1", "beyond2"),
        ]
        make, programs = self._gl.vertex_array, self._programs
        return Arrays(
            make(programs.surface, surface),
            make(programs.depth, [(thrown, "3f", "position")]),
            make(programs.flat, [(corners, "3f 24x", "position")]),
        )

    def _buffer(self, values: np.ndarray) -> Any:
        return self._gl.buffer(np.ascontiguousarray(values, "f4").tobytes())

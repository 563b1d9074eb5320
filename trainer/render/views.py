"""From world to clip space: the camera's view, a light's, and one that fits a single brick."""

import numpy as np

from trainer.render.bodies import Body
from trainer.scenes.scene import Camera, Light, projection_matrix, view_matrix


def projection_of(camera: Camera) -> np.ndarray:
    """Camera to clip space (4, 4), with planes that suit how far the camera is away."""
    away = float(np.linalg.norm(np.subtract(camera.position_mm, camera.target_mm)))
    return projection_matrix(camera, max(2.0, away * 0.1), away * 40)


def clip_matrix(camera: Camera) -> np.ndarray:
    """World to clip space (4, 4)."""
    return projection_of(camera) @ view_matrix(camera)


def light_matrix(light: Light, bodies: list[Body]) -> np.ndarray:
    """World to a light's clip space: orthographic, around all that throws a shadow."""
    middles = np.array([b.matrix[:3, 3] for b in bodies] or [np.zeros(3)])
    reaches = [np.linalg.norm(b.matrix[:3, :3], axis=0).max() for b in bodies]
    middle = middles.mean(axis=0)
    radius = float(np.linalg.norm(middles - middle, axis=1).max() + 35 + max(reaches, default=0))
    towards = np.asarray(light.direction)
    camera = Camera(tuple(middle + towards * radius * 2), tuple(middle), 0.0, 30.0)
    flat = np.diag([1 / radius, 1 / radius, -1 / (2 * radius), 1.0])
    flat[2, 3] = -1.0
    return flat @ view_matrix(camera)


def fitted(view: np.ndarray, model: np.ndarray, size_mm: np.ndarray):
    """What zooms clip space to a body's bounding box, and that box's share of the picture."""
    # The shift stands in the column of w, so the division by w leaves it whole.
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    corners = np.column_stack([signs * size_mm / 2, np.ones(8)])
    clip = corners @ (view @ model).T
    spots = clip[:, :2] / np.maximum(clip[:, 3:], 1e-3)
    low, high = spots.min(axis=0), spots.max(axis=0)
    half = np.maximum((high - low) / 2, 1e-6)
    zoom = np.eye(4)
    zoom[0, 0], zoom[1, 1] = 1 / half
    zoom[:2, 3] = -((low + high) / 2) / half
    return zoom, float(half[0] * half[1])

"""Rigid bodies that fall: the world of `trainer.scenes.settle`, in MuJoCo.

Each part collides as its convex hull, so that what is hollow, a bracket or an arch, fills with
nothing: a brick may seem to hover a little over the inner corner of another.

Units are cm, g and s, in which the numbers of a pile of bricks are near 1.
"""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from trainer.errors import SettleError
from trainer.scenes.mesh import Mesh

CM_MM = 10.0
GRAVITY = 981.0
STEP_S = 0.0025
CONTACT_S = 0.006
"""Time in which a contact pushes bodies apart; at least two steps, or it would swing."""
FRICTION = (0.5, 0.01, 0.01)
"""Sliding (ABS on ABS slides at about 0.5), and in cm, turning on the spot and rolling."""
SLIP_RATIO = 5.0
"""How much stiffer friction is than contact: less and piles creep."""
DENSITY = 0.6
"""Of the hull: bricks are ABS of 1.05 g/cm3 and hollow."""
WALLS = 10
QUIET_SPEED = 0.6
"""cm/s and rad/s; what is slower for `QUIET_S` rests."""
QUIET_S = 0.08
DEEPEST_MM = 0.5


def hull_of(mesh: Mesh) -> np.ndarray:
    """The corners (n, 3) of a mesh's convex hull, cm, float64.

    Raises:
        SettleError: MuJoCo is not installed.
    """
    mujoco = _mujoco()
    corners = np.unique(np.round(mesh.triangles.reshape(-1, 3) / CM_MM, 5), axis=0)
    corners = corners.astype(np.float64)
    spec = mujoco.MjSpec()
    spec.add_mesh(name="part", uservert=corners.ravel())
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="part")
    model = spec.compile()
    # The graph of a hull is: count of corners, of faces, where each corner's edges begin, and
    # which of the mesh's corners it is.
    graph = model.mesh_graph[model.mesh_graphadr[0] :]
    count = graph[0]
    return corners[graph[2 + count : 2 + 2 * count]]


class World:
    """Bodies above the ground, inside a shaft that can be taken away.

    Args:
        hulls: Corners (n, 3) of each body, cm, about its own middle.
        radius: Of the shaft, cm; None for no shaft.
        terminal_speed: What bodies fall at for long, cm/s: air as thick as that keeps round ones
            from rolling for ever.

    Raises:
        SettleError: MuJoCo is not installed.
    """

    def __init__(
        self, hulls: Sequence[np.ndarray], radius: float | None, terminal_speed: float
    ) -> None:
        self._mujoco = _mujoco()
        self._count = len(hulls)
        self._model = self._built(hulls, radius)
        self._data = self._mujoco.MjData(self._model)
        self._thicken(terminal_speed)

    def place(self, positions: np.ndarray, rotations: np.ndarray, spins: np.ndarray) -> None:
        """Put the bodies somewhere, at time 0.

        Args:
            positions: (k, 3), cm.
            rotations: (k, 4) unit quaternions w, x, y, z.
            spins: (k, 3), rad/s about the body's axes.
        """
        self._mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = np.concatenate([positions, rotations], axis=1).ravel()
        self._data.qvel.reshape(-1, 6)[:, 3:] = spins

    def rest(self, longest_s: float) -> bool:
        """Let time pass until all is quiet; whether it became so in time."""
        quiet_s = 0.0
        for _ in range(math.ceil(longest_s / STEP_S)):
            self._mujoco.mj_step(self._model, self._data)
            # A world that became unstable has speeds that are no numbers: never quiet.
            calm = np.abs(self._data.qvel).max() < QUIET_SPEED
            quiet_s = quiet_s + STEP_S if calm else 0.0
            if quiet_s >= QUIET_S:
                return True
        return False

    def open_shaft(self) -> None:
        """Take the walls away."""
        walls = self._model.geom_type == self._mujoco.mjtGeom.mjGEOM_PLANE
        walls[0] = False
        self._model.geom_conaffinity[walls] = 0

    def deepest_mm(self) -> float:
        """How deep bodies reach into each other or the ground."""
        return max(0.0, -float(self._data.contact.dist.min(initial=0))) * CM_MM

    def poses(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the bodies are: (k, 3) cm, (k, 4) unit quaternions."""
        state = self._data.qpos.reshape(self._count, 7).copy()
        turns = state[:, 3:] / np.linalg.norm(state[:, 3:], axis=1, keepdims=True)
        return state[:, :3], turns

    def _built(self, hulls: Sequence[np.ndarray], radius: float | None) -> Any:
        spec = self._mujoco.MjSpec()
        option, codes = spec.option, self._mujoco
        option.timestep, option.gravity, option.impratio = STEP_S, [0, 0, -GRAVITY], SLIP_RATIO
        option.cone = codes.mjtCone.mjCONE_ELLIPTIC
        option.integrator = codes.mjtIntegrator.mjINT_IMPLICITFAST
        # Several points where two hulls touch: with one, flat bricks tremble. Newer MuJoCo has
        # it on by itself and knows no such flag.
        option.enableflags |= int(getattr(codes.mjtEnableBit, "mjENBL_MULTICCD", 0))
        self._add_plane(spec, (0, 0, 0), (0, 0, 1))
        for turn in np.arange(WALLS) * 2 * math.pi / WALLS if radius is not None else ():
            across = np.array([math.cos(turn), math.sin(turn), 0])
            self._add_plane(spec, across * radius, -across)
        for index, hull in enumerate(hulls):
            self._add_body(spec, f"{index}", hull)
        return spec.compile()

    def _add_plane(self, spec: Any, place: Sequence[float], facing: Sequence[float]) -> None:
        spec.worldbody.add_geom(
            type=self._mujoco.mjtGeom.mjGEOM_PLANE,
            size=[0, 0, 1],
            pos=place,
            zaxis=facing,
            contype=0,
            conaffinity=1,
            **self._surface(),
        )

    def _add_body(self, spec: Any, name: str, hull: np.ndarray) -> None:
        spec.add_mesh(name=name, uservert=hull.ravel())
        body = spec.worldbody.add_body(name=name)
        body.add_freejoint()
        body.add_geom(
            type=self._mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            density=DENSITY,
            contype=1,
            conaffinity=1,
            **self._surface(),
        )

    @staticmethod
    def _surface() -> dict[str, Any]:
        # Six dimensions of contact: with sliding, turning and rolling resistance.
        return {"friction": FRICTION, "condim": 6, "solref": [CONTACT_S, 1]}

    def _thicken(self, terminal_speed: float) -> None:
        damping = self._model.dof_damping.reshape(self._count, 6)
        rate = GRAVITY / terminal_speed
        damping[:, :3] = self._model.body_mass[1:, None] * rate
        damping[:, 3:] = self._model.body_inertia[1:].max(axis=1, keepdims=True) * rate


def _mujoco() -> Any:
    try:
        return import_module("mujoco")
    except ImportError as error:
        raise SettleError(
            "letting bricks fall needs mujoco, which is not installed;"
            " run: pip install 'bricksight[trainer]'"
        ) from error

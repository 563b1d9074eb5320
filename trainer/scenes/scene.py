"""A scene as data: everything a renderer needs, nothing it decides itself.

Lengths are millimetres, Z is up, the ground is the plane z = 0. Rotations are unit quaternions
w, x, y, z. A scene is drawn the same by every engine, and again from its JSON; `without` gives
the same scene short of one brick, for counterfactuals.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from trainer.errors import SceneError

Triple = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Brick:
    """One brick: part id, LDraw colour code, finish, and where its middle lies."""

    part: str
    colour: int
    roughness: float
    position_mm: Triple
    rotation: Quaternion
    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Clutter:
    """A thing that is no brick.

    Attributes:
        shape: Its form; `size_mm` is its bounding box.
        colour: Linear red, green, blue, 0..1.
    """

    shape: Literal["box", "cylinder", "sphere", "screw", "coin", "nut", "cable", "scrap"]
    size_mm: Triple
    colour: Triple
    roughness: float
    position_mm: Triple
    rotation: Quaternion
    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera with a square picture.

    Attributes:
        field_deg: Angle of view, across and down.
        f_stop: Of the lens, focused on the target; None keeps everything sharp.
        shake: How far the picture moves while it is taken, right and down, in shares of its side.
    """

    position_mm: Triple
    target_mm: Triple
    roll_deg: float
    field_deg: float
    f_stop: float | None = None
    shake: tuple[float, float] = (0.0, 0.0)
    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Light:
    """A distant light.

    Attributes:
        direction: Unit vector towards it.
        angle_deg: How wide it looks from the ground; a wide one throws soft shadows.
        colour: Linear red, green, blue.
        strength: Irradiance on a surface that faces it; 1 makes white as bright as the picture
            allows at exposure 1.
    """

    direction: Triple
    angle_deg: float
    colour: Triple
    strength: float
    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Sky:
    """The light from everywhere else, see `trainer.scenes.sky`.

    Attributes:
        environment: Name of a panorama of `trainer.scenes.environments`; None makes up clouds.
        turn: Of that panorama, 0..1 of a whole turn.
    """

    seed: int
    strength: float
    tint: Triple
    contrast: float
    environment: str | None = None
    turn: float = 0.0
    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Ground:
    """What the pile lies on.

    Attributes:
        kind: A pattern of `trainer.scenes.grounds`, or "photograph".
        seed: Which variant of the pattern.
        dark, bright: Linear colours at the two ends of the pattern.
        tile_mm: Length after which the pattern repeats.
        rotation_deg: Of the pattern.
        offset: Of the pattern, in tiles.
        roughness: 0 mirrors, 1 is chalk.
        photograph: Path of the user's own picture of a ground.
    """

    kind: str
    seed: int
    dark: Triple
    bright: Triple
    tile_mm: float
    rotation_deg: float
    offset: tuple[float, float]
    roughness: float
    photograph: str | None = None
    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture before it is drawn.

    Attributes:
        seed: It was drawn from; also the seed of the renderer's own chance.
        arrangement: How the bricks came to lie.
        illumination: Whether daylight or lamps, for reports by stratum.
        exposure: Factor on all light.
        tone: How light becomes pixel values: "standard" clips, "filmic" rolls off.
        realism: What engines draw that costs them time, see `trainer.scenes.realism`.
    """

    seed: int
    arrangement: Literal["pile", "scatter"]
    illumination: Literal["natural", "artificial"]
    bricks: tuple[Brick, ...]
    clutter: tuple[Clutter, ...]
    camera: Camera
    lights: tuple[Light, ...]
    sky: Sky
    ground: Ground
    exposure: float = 1.0
    tone: Literal["standard", "filmic"] = "standard"
    realism: tuple[str, ...] = ()
    __pydantic_config__ = STRICT

    def without(self, brick: int) -> "Scene":
        """The same scene short of one brick; the others stay where they are.

        Raises:
            SceneError: There is no such brick.
        """
        if not 0 <= brick < len(self.bricks):
            raise SceneError(
                f"brick {brick}: the scene has {len(self.bricks)}, numbered from 0; choose one"
            )
        left = self.bricks[:brick] + self.bricks[brick + 1 :]
        return replace(self, bricks=left)

    def to_json(self) -> str:
        """One line of JSON."""
        return _ADAPTER.dump_json(self).decode()


_ADAPTER = TypeAdapter(Scene)


def scene_from_json(text: str | bytes) -> Scene:
    """Read what `Scene.to_json` wrote.

    Raises:
        SceneError: It is not a scene; the message names the first wrong field.
    """
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "scene"
        raise SceneError(f"{where}: {first['msg']}; render the scene again from its seed") from None


def rotation_matrix(rotation: Quaternion) -> np.ndarray:
    """The rotation (3, 3) of a unit quaternion w, x, y, z."""
    w, x, y, z = np.asarray(rotation, float) / np.linalg.norm(rotation)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def turned(rotation: Quaternion, yaw: float) -> Quaternion:
    """A rotation, then a turn about the vertical by `yaw` radians."""
    c, s = np.cos(yaw / 2), np.sin(yaw / 2)
    w, x, y, z = rotation
    return (c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w)


def model_matrix(position_mm: Triple, rotation: Quaternion, scale: Triple = (1, 1, 1)):
    """Body to world (4, 4): scale, then rotate, then move."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(rotation) * np.asarray(scale, float)
    matrix[:3, 3] = position_mm
    return matrix


def view_matrix(camera: Camera) -> np.ndarray:
    """World to camera (4, 4): x right, y up, looking along -z."""
    position = np.asarray(camera.position_mm, float)
    back = position - np.asarray(camera.target_mm, float)
    back /= np.linalg.norm(back)
    up = np.array([0.0, 0.0, 1.0]) if abs(back[2]) < 0.999 else np.array([0.0, 1.0, 0.0])
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    c, s = np.cos(np.radians(camera.roll_deg)), np.sin(np.radians(camera.roll_deg))
    axes = np.stack([c * right + s * up, c * up - s * right, back])
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ position
    return matrix


def projection_matrix(camera: Camera, near_mm: float = 5.0, far_mm: float = 5000.0) -> np.ndarray:
    """Camera to clip space (4, 4), as OpenGL has it."""
    focal = 1 / np.tan(np.radians(camera.field_deg) / 2)
    depth = near_mm - far_mm
    return np.array(
        [
            [focal, 0, 0, 0],
            [0, focal, 0, 0],
            [0, 0, (far_mm + near_mm) / depth, 2 * far_mm * near_mm / depth],
            [0, 0, -1, 0],
        ]
    )

"""Steps that bring a scene nearer to a photograph; each can be left out on its own.

curves     what is round in the LDraw library has 48 sides, not 16
gloss      panoramas of real places are mirrored, plastics are as smooth as ABS
bevels     edges catch light
exposure   pictures too bright or too dark, shallow focus, shake
grounds    grounds of machines, belts, brickwork, gravel, grass; dark bricks on dark grounds
things     small things that are no brick: screws, nuts, coins, cables, scraps of paper
relief     studs carry a relief

Every step has a source of chance of its own. So a scene without one has the same bricks, poses,
camera and other steps: what a step brings can be measured alone, on the same views.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from trainer.scenes.colours import colours
from trainer.scenes.environments import environment_names
from trainer.scenes.grounds import FOUND_KINDS
from trainer.scenes.scene import Brick, Scene
from trainer.scenes.surroundings import dark_ground, found_ground, machine_ground, small_things

STEPS = ("curves", "gloss", "bevels", "exposure", "grounds", "things", "relief")
ENVIRONMENT_SHARE = 0.85
FOUND_SHARE = 0.1
"""Of scenes that lie on nothing else special: a photograph of brickwork, gravel or grass."""
DARK_LUMINANCE = 0.03
DARK_ON_DARK_SHARE = 0.2
SHAKEN_SHARE = 0.15
AUTOMATIC = 0.8
"""How much of the light's strength a camera makes up for; 1 is all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the bricks lie, and which scenes are wanted there.

    Attributes:
        middle_mm: (3,).
        radius_mm: How far they reach.
        clutter_share: Share of scenes with things that are no brick.
        plain_share: Share of scenes on a machine's ground.
    """

    middle_mm: np.ndarray
    radius_mm: float
    clutter_share: float
    plain_share: float


def more_real(scene: Scene, steps: Sequence[str], place: Place) -> Scene:
    """A scene after some steps.

    Args:
        scene: As it was drawn without any.
        steps: Of `STEPS`, in their order.
        place: Where its bricks lie.
    """
    scene = replace(scene, realism=tuple(steps))
    for step, change in _CHANGES.items():
        if step in steps:
            rng = np.random.default_rng((scene.seed, 20081584, *step.encode()))
            scene = change(scene, place, rng)
    return scene


def _with_gloss(scene: Scene, place: Place, rng: np.random.Generator) -> Scene:
    wear, names = rng.uniform(0.1, 0.32), environment_names()
    sky = scene.sky
    if rng.random() < ENVIRONMENT_SHARE:
        name = names[int(rng.integers(len(names)))]
        sky = replace(sky, environment=name, turn=round(float(rng.random()), 5))
    bricks = tuple(
        replace(brick, roughness=round(float(np.clip(wear + rng.normal(0, 0.03), 0.06, 0.45)), 5))
        for brick in scene.bricks
    )
    return replace(scene, sky=sky, bricks=bricks)


def _with_exposure(scene: Scene, place: Place, rng: np.random.Generator) -> Scene:
    kind, within = rng.random(), rng.random()
    stops = rng.normal(0.3, 0.3)
    if kind < 0.14:
        stops = 0.7 + 0.8 * within
    elif kind > 0.86:
        stops = -0.5 - 0.9 * within
    camera, open_to = scene.camera, float(np.exp(rng.uniform(np.log(2.5), np.log(12))))
    if camera.f_stop is not None:
        camera = replace(camera, f_stop=round(open_to, 3))
    shaken, length, angle = rng.random(), np.exp(rng.uniform(-5.3, -3.7)), rng.uniform(0, np.pi)
    if shaken < SHAKEN_SHARE:
        shake = (round(float(length * np.cos(angle)), 5), round(float(length * np.sin(angle)), 5))
        camera = replace(camera, shake=shake)
    exposure = np.clip(np.exp(stops) / _light(scene) ** AUTOMATIC, 0.2, 5.0)
    return replace(scene, exposure=round(float(exposure), 5), camera=camera)


def _light(scene: Scene) -> float:
    """What falls on level ground; 1 makes white as bright as the picture allows."""
    lights = sum(light.strength * max(light.direction[2], 0) for light in scene.lights)
    return max(0.05, scene.sky.strength + lights)


def _with_grounds(scene: Scene, place: Place, rng: np.random.Generator) -> Scene:
    plain, found, dark = rng.random(3)
    on_machine, on_found = machine_ground(rng), found_ground(FOUND_KINDS, rng)
    on_dark = dark_ground(rng)
    if all(_is_dark(brick) for brick in scene.bricks) and dark < DARK_ON_DARK_SHARE:
        return replace(scene, ground=on_dark)
    if plain < place.plain_share:
        return replace(scene, ground=on_machine)
    if found < FOUND_SHARE and scene.ground.photograph is None:
        return replace(scene, ground=on_found)
    return scene


def _with_things(scene: Scene, place: Place, rng: np.random.Generator) -> Scene:
    wanted = rng.random() < place.clutter_share
    things = small_things(place.middle_mm, place.radius_mm, rng)
    return replace(scene, clutter=scene.clutter + things) if wanted else scene


def _is_dark(brick: Brick) -> bool:
    code = colours()[brick.colour].srgb
    red, green, blue = ((int(code[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < DARK_LUMINANCE


_CHANGES: MappingProxyType[str, Callable[[Scene, Place, np.random.Generator], Scene]] = (
    MappingProxyType(
        {
            "gloss": _with_gloss,
            "exposure": _with_exposure,
            "grounds": _with_grounds,
            "things": _with_things,
        }
    )
)
"""The others are the engines' alone, which read `Scene.realism`."""

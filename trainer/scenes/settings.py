"""Which scenes are drawn: the [scenes] table of a recipe."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from edge.toml import FromList, Section
from trainer.scenes.grounds import KINDS
from trainer.scenes.parts import find
from trainer.scenes.realism import STEPS

BRICKS_MAX = 40
Count = Annotated[int, Field(ge=1, le=BRICKS_MAX)]
Share = Annotated[float, Field(ge=0, le=1)]


class SceneSettings(Section):
    """Which scenes are drawn.

    Attributes:
        bricks: Fewest and most in a scene.
        parts: Part ids to choose from; all known ones if empty.
        pile_share: Share of piles; the rest are scatters.
        spread: Smallest and largest gap between scattered bricks, in their own size.
        elevation_deg: How high the camera stands; 90 looks straight down.
        field_deg: Angle of view: a telephone's is about 60, a machine's 20 to 40.
        distance: Of the camera; 1 fills the picture with the pile.
        clutter_share: Share of scenes with things that are no brick.
        one_colour_share: Share of scenes where all bricks have one colour.
        transparent_share: Share of bricks in a transparent colour, where the part is made in one.
        sharp_share: Share of pictures without depth of field.
        grounds: Kinds of procedural ground to choose from; all if empty.
        plain_share: Share of scenes on a machine's ground: white, grey, blue, black, a belt.
        realism: Steps towards photographs, see `trainer.scenes.realism`; without one, the other
            steps, bricks, poses and camera stay as they were.
        photographs: Folder of the user's own pictures of grounds, beside the procedural ones.
        photograph_share: Share of scenes on such a photograph.
    """

    bricks: Annotated[tuple[Count, Count], FromList] = (1, 10)
    parts: Annotated[tuple[str, ...], FromList] = ()
    pile_share: Share = 0.45
    spread: Annotated[tuple[float, float], FromList] = (0.0, 0.8)
    elevation_deg: Annotated[tuple[float, float], FromList] = (30.0, 89.0)
    field_deg: Annotated[tuple[float, float], FromList] = (22.0, 65.0)
    distance: Annotated[tuple[float, float], FromList] = (0.75, 1.3)
    clutter_share: Share = 0.3
    one_colour_share: Share = 0.15
    transparent_share: Share = 0.25
    sharp_share: Share = 0.7
    grounds: Annotated[tuple[str, ...], FromList] = ()
    plain_share: Share = 0.2
    realism: Annotated[tuple[str, ...], FromList] = STEPS
    photographs: str | None = None
    photograph_share: Share = 0.5

    @model_validator(mode="after")
    def _ranges_rise(self) -> "SceneSettings":
        for name in ("bricks", "spread", "elevation_deg", "field_deg", "distance"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: found [{low}, {high}]; the smaller comes first")
        limits = {"spread": (0, 20), "elevation_deg": (10, 90), "field_deg": (5, 100)}
        limits["distance"] = (0.2, 10)
        for name, (least, most) in limits.items():
            low, high = getattr(self, name)
            if low < least or high > most:
                raise ValueError(f"{name}: found [{low}, {high}]; allowed: {least} to {most}")
        return self

    @field_validator("parts")
    @classmethod
    def _known_parts(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(find(part).id for part in ids)

    @field_validator("grounds")
    @classmethod
    def _known_grounds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"grounds: found {kind!r}; allowed: {', '.join(KINDS)}")
        return kinds

    @field_validator("realism")
    @classmethod
    def _known_steps(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        for step in steps:
            if step not in STEPS:
                raise ValueError(f"realism: found {step!r}; allowed: {', '.join(STEPS)}")
        return tuple(step for step in STEPS if step in steps)

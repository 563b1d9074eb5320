"""What a study asks: a file that does not change once it is made."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION: Literal[1] = 1
KIND: Literal["bricksight-study"] = "bricksight-study"
MIN_ITEMS, MAX_ITEMS = 4, 60
MAX_TITLE_CHARS = 120
OPTIONS = 4
"""Bricks to choose from in the objective block."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Method(StrEnum):
    """What is compared."""

    GRAD_CAM = "grad-cam"
    LIME = "lime"

    @property
    def shown(self) -> str:
        """As people write it."""
        return "Grad-CAM" if self is Method.GRAD_CAM else "LIME"

    @property
    def other(self) -> "Method":
        """The one it is compared with."""
        return Method.LIME if self is Method.GRAD_CAM else Method.GRAD_CAM


class Asked(StrEnum):
    """Which question is asked of each pair."""

    TRUST = "trust"
    """The source paper's; the model's answer stays hidden."""
    WHERE = "where"
    """It names the brick, so the model's answer is known."""


class Familiarity(StrEnum):
    """With deep learning; the source paper's three levels."""

    NOT = "not familiar"
    A_BIT = "a bit familiar"
    FAMILIAR = "familiar"


class Part(BaseModel):
    """A part of the file: unknown keys are refused, values are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Brick(Part):
    """A brick type as it is named in the objective block."""

    id: Text
    name: Text


class Item(Part):
    """A picture, and both explanations of one label on it.

    Attributes:
        id: "i01", "i02"...
        source: Where the picture came from; only staff see it.
        brick: What was explained: the label the model was most confident of.
        confidence: Calibrated, 0..1.
        picture: SHA-256 of the plain picture's file.
        maps: The same of each method's.
        others: The wrong options of the objective block.
    """

    id: Annotated[str, Field(pattern=r"^i[0-9]{2}$")]
    source: Annotated[str, Field(max_length=300)]
    brick: Brick
    confidence: Annotated[float, Field(ge=0, le=1)]
    picture: Sha256
    maps: dict[Method, Sha256]
    others: Annotated[tuple[Brick, ...], Field(max_length=OPTIONS - 1)] = ()

    @model_validator(mode="after")
    def _complete(self) -> "Item":
        if set(self.maps) != set(Method):
            raise ValueError(f"maps: expected one of each of {', '.join(Method)}")
        return self


class Catch(Part):
    """A pair with one answer that is plainly right.

    Attributes:
        picture: SHA-256 of the plain picture's file.
        right: The same of the one that shows where the brick is.
        wrong: Of the one that shows where nothing is.
    """

    picture: Sha256
    right: Sha256
    wrong: Sha256


class Plan(Part):
    """What a study asks.

    Attributes:
        id: Of the study.
        title: Staff's name for it; participants see it, so it should name no method.
        asked: Which question.
        ask_confidence: Whether people may say how sure they are.
        objective: Whether the block "which brick does this point to?" follows.
        seed: Of all order and sides.
        created_at: In UTC, ISO 8601.
        model_sha256: Of the model that was explained.
        items: The pictures.
        catch: The pair that everybody who looks gets right.
        left_out: Why pictures were left out, and how many.
    """

    kind: Literal["bricksight-study"] = KIND
    schema_version: Literal[1] = SCHEMA_VERSION
    id: Id
    title: Text
    asked: Asked = Asked.TRUST
    ask_confidence: bool = True
    objective: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    created_at: Annotated[str, Field(max_length=40)]
    model_sha256: Sha256
    items: Annotated[tuple[Item, ...], Field(min_length=MIN_ITEMS, max_length=MAX_ITEMS)]
    catch: Catch
    left_out: dict[str, int] = {}

    @model_validator(mode="after")
    def _unique(self) -> "Plan":
        if len({item.id for item in self.items}) != len(self.items):
            raise ValueError("items: two have the same id")
        return self

    @property
    def files(self) -> frozenset[str]:
        """SHA-256 of every picture it shows."""
        own = {sha for item in self.items for sha in (item.picture, *item.maps.values())}
        return frozenset(own | {self.catch.picture, self.catch.right, self.catch.wrong})

    def item(self, item_id: str) -> Item:
        """One of its items."""
        return next(item for item in self.items if item.id == item_id)

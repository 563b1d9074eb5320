"""Which settings may be changed from the page; everything else is for who has the file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.errors import TuningError
from edge.policy import Policy
from edge.region import Region

THRESHOLDS = "thresholds"
ROI = "camera.roi"
MOST_CHANGES = 200
ID_CHARS = 40


@dataclass(frozen=True, slots=True)
class Setting:
    """One number of edge.toml.

    Attributes:
        section, key: Where it stands.
        name: What a person calls it, with what it does.
        unit: Of its value; empty for a share.
        low, high: What is allowed.
        default: What holds where it is not set; None is nothing.
    """

    section: str
    key: str
    name: str
    unit: str
    low: float
    high: float
    default: float | None

    @property
    def path(self) -> str:
        """As in "sorting.margin"."""
        return f"{self.section}.{self.key}"


SETTINGS = (
    Setting("sorting", "margin", "Lead over every other brick type", "", 0, 1, 0.2),
    Setting(
        "sorting", "recall_share", "Surely absent below this part of a threshold", "", 0, 1, 0.3
    ),
    Setting("sorting", "veto_share", "Share of Grad-CAM on the object (with veto)", "", 0, 1, 0.5),
    Setting("sorting", "max_age_s", "Oldest frame that may decide", "s", 0.001, 60, 1.0),
    Setting("sorting", "lead_s", "Least time to send a command", "s", 0, 60, 0.05),
    Setting("sorting", "tolerance_s", "How late a command may fire", "s", 0, 60, 0.05),
    Setting("belt", "speed_mm_s", "Belt speed, without an encoder", "mm/s", 0.1, 100_000, None),
    Setting("belt", "mm_per_tick", "Belt travel per encoder tick", "mm", 0.001, 100_000, None),
    Setting("belt", "stopped_after_s", "Belt stands still after", "s", 0.01, 60, 1.0),
    Setting("belt", "camera_mm", "Where items begin on the ruler", "mm", 0, 100_000, 0.0),
)
"""Never a source, a path, a port or a driver."""
BY_PATH: Mapping[str, Setting] = {setting.path: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Change:
    """What a person wants changed; None goes back to what holds without the key.

    Attributes:
        numbers: Of `SETTINGS`, by path.
        thresholds: By label id.
        region: Of the camera; None leaves it.
    """

    numbers: Mapping[str, float | None] = field(default_factory=dict)
    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    region: Region | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is to change."""
        return not (self.numbers or self.thresholds or self.region)


@dataclass(frozen=True, slots=True)
class Checked:
    """Settings that hold, or would.

    Attributes:
        policy: What the operator wants.
        thresholds: In force, by label id.
        region: What is looked at of the camera's picture.
    """

    policy: Policy
    thresholds: Mapping[str, float]
    region: Region


def change_of(values: Mapping[str, Any]) -> Change:
    """What a page asks to change.

    Args:
        values: By path: "sorting.margin", "thresholds.3001" or "camera.roi".

    Raises:
        TuningError: A key that cannot be changed from the page, or no finite number.
        ConfigError: The region is not inside the picture.
    """
    if len(values) > MOST_CHANGES:
        raise TuningError(f"found {len(values)} changes at once; {MOST_CHANGES} at most")
    numbers: dict[str, float | None] = {}
    thresholds: dict[str, float | None] = {}
    region = None
    for path, value in values.items():
        section, _, key = path.partition(".")
        if path == ROI:
            region = _region(value)
        elif path in BY_PATH:
            numbers[path] = _number(path, value)
        elif section == THRESHOLDS and 0 < len(key) <= ID_CHARS:
            thresholds[key] = _number(path, value)
        else:
            allowed = ", ".join((*BY_PATH, f"{THRESHOLDS}.<label id>", ROI))
            raise TuningError(
                f"{path[:80]}: cannot be changed from the page; allowed: {allowed}. All else is"
                " changed in edge.toml itself"
            )
    return Change(numbers, thresholds, region)


def _number(path: str, value: Any) -> float | None:
    if value is None:
        return None
    known = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = float(value) if known else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number):
        raise TuningError(f"{path}: found {str(value)[:40]!r}; expected a number, or null for none")
    return number


def _region(value: Any) -> Region:
    if not isinstance(value, list) or len(value) != 4:
        raise TuningError(f"{ROI}: expected [x, y, width, height], each a share of the picture")
    shares = [_number(ROI, one) for one in value]
    if None in shares:
        raise TuningError(f"{ROI}: expected [x, y, width, height], each a share of the picture")
    return Region(*(share for share in shares if share is not None))

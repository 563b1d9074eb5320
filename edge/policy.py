"""What an operator wants: which label goes to which bin, and when not to move at all."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum

from edge.ranges import check_range
from sorter_firmware_bridge.bins import Bin


class Mode(StrEnum):
    """What is done with an item."""

    SINGLE = "single"
    """One object: its one label says the bin; without a label unknown, with two a person looks."""
    WATCH = "watch"
    """Nothing is moved; wanted labels raise an alert."""


@dataclass(frozen=True, slots=True)
class Route:
    """One label goes to one bin.

    Attributes:
        label_id: The part number, for example "3001".
        bin: The name of the bin.
    """

    label_id: str
    bin: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator wants.

    Attributes:
        mode: What is done with an item.
        bins: All bins that may be used.
        routes: Which label goes where.
        unknown_bin: Name of the bin for items without a label.
        review_bin: Name of the bin for items a person should look at.
        overflow_bin: Name of the bin for labels without a route, and in place of a missing
            `unknown_bin` or `review_bin`; what has no bin at all is not moved.
        watch_for: Label ids that raise an alert in `Mode.WATCH`; none is any label.
        margin: How far, 0..1, the probability of the label has to be above every other one.
        max_age_s: How old the newest frame of an item may be, above 0 and up to 60.
        travel_s: From the start of an item to its bin, 0..600; None when it waits at the gate.
        lead_s: The least time before it is due that a command can be sent, 0..60.
        tolerance_s: How long after it is due a command may still fire, 0..60.

    Raises:
        ConfigError: A value is out of range.
    """

    mode: Mode
    bins: tuple[Bin, ...] = ()
    routes: tuple[Route, ...] = ()
    unknown_bin: str | None = None
    review_bin: str | None = None
    overflow_bin: str | None = None
    watch_for: tuple[str, ...] = ()
    margin: float = 0.2
    max_age_s: float = 1.0
    travel_s: float | None = None
    lead_s: float = 0.05
    tolerance_s: float = 0.05

    def __post_init__(self) -> None:
        check_range("policy.margin", self.margin, 0, 1)
        check_range("policy.max_age_s", self.max_age_s, 0.001, 60)
        check_range("policy.travel_s", 0 if self.travel_s is None else self.travel_s, 0, 600)
        check_range("policy.lead_s", self.lead_s, 0, 60)
        check_range("policy.tolerance_s", self.tolerance_s, 0, 60)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all that decides; the order in which routes are listed does not."""
        values = asdict(self)
        for key in ("bins", "routes"):
            values[key] = sorted(map(_canonical, values[key]))
        values["watch_for"] = sorted(self.watch_for)
        return hashlib.sha256(_canonical(values).encode()).hexdigest()

    def bin_named(self, name: str | None) -> Bin | None:
        """The bin of that name, or None."""
        return next((bin_ for bin_ in self.bins if bin_.name == name), None)

    def route_of(self, label_id: str) -> Bin | None:
        """The bin a label goes to, or None where it has no route."""
        names = (route.bin for route in self.routes if route.label_id == label_id)
        return self.bin_named(next(names, None))


def policy_problems(policy: Policy, label_ids: Iterable[str]) -> list[str]:
    """What is wrong with a policy, for a person to mend.

    Args:
        policy: What an operator wants.
        label_ids: The ids of all labels the model knows.

    Returns:
        One message for each problem, naming what was found and allowed; empty when all is well.

    Example:
        >>> policy_problems(Policy(Mode.SINGLE, (Bin(1, "plates"),), (Route("3001", "plate"),)),
        ...                 ["3001"])
        ["label '3001' goes to bin 'plate', which does not exist; did you mean 'plates'?"]
    """
    known = list(label_ids)
    return [
        *_bin_problems(policy),
        *_route_problems(policy),
        *_name_problems(policy),
        *_label_problems(policy, known),
    ]


def _bin_problems(policy: Policy) -> list[str]:
    problems = []
    if policy.mode is Mode.SINGLE and not policy.bins:
        problems.append("mode 'single' needs bins; none is listed")
    for place, bin_ in enumerate(policy.bins):
        for other in policy.bins[:place]:
            if bin_.number == other.number:
                problems.append(
                    f"bin number {bin_.number} is used twice, by '{other.name}' and "
                    f"'{bin_.name}'; give each its own"
                )
            if bin_.name.casefold() == other.name.casefold():
                problems.append(
                    f"bin name '{bin_.name}' is used twice, by number {other.number} and "
                    f"{bin_.number}; give each its own"
                )
    return problems


def _route_problems(policy: Policy) -> list[str]:
    targets: dict[str, list[str]] = {}
    for route in policy.routes:
        names = targets.setdefault(route.label_id, [])
        if route.bin not in names:
            names.append(route.bin)
    return [
        f"label '{label_id}' goes to {len(names)} bins, {_listed(names)}; keep one"
        for label_id, names in targets.items()
        if len(names) > 1
    ]


def _name_problems(policy: Policy) -> list[str]:
    names = [bin_.name for bin_ in policy.bins]
    uses = [(f"label '{route.label_id}' goes to bin", route.bin) for route in policy.routes]
    for key in ("unknown_bin", "review_bin", "overflow_bin"):
        name = getattr(policy, key)
        uses += [] if name is None else [(f"{key} is", name)]
    return [
        f"{use} '{name}', which does not exist; {_suggestion(name, names)}"
        for use, name in uses
        if name not in names
    ]


def _label_problems(policy: Policy, known: Sequence[str]) -> list[str]:
    used = dict.fromkeys([route.label_id for route in policy.routes] + list(policy.watch_for))
    return [
        f"label '{label_id}' does not exist in this model; {_suggestion(label_id, known)}"
        for label_id in used
        if label_id not in known
    ]


def _suggestion(found: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(found, allowed, n=3)
    if close:
        return f"did you mean {_listed(close)}?"
    if len(allowed) <= 12:
        return f"there are {_listed(allowed)}" if allowed else "there is none"
    return f"there are {len(allowed)}, for example {_listed(allowed[:3])}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _canonical(values: object) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))

"""What an operator wants: which item goes to which bin, and when not to move at all."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from edge.belt import Belt
from edge.domain import Label
from edge.errors import ConfigError
from edge.families import family_of
from edge.ranges import check_range
from sorter_firmware_bridge.bins import Bin

MAX_ITEMS = 1_000_000


class Mode(StrEnum):
    """What is done with an item."""

    SINGLE = "single"
    """One object: its one label says the bin; without a label unknown, with two a person looks."""
    SCOOP = "scoop"
    """A tray of many: with anything wanted on it to the wanted bin, surely without to the rest."""
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
class FamilyRoute:
    """The labels of one family go to one bin, where they have no route of their own.

    Attributes:
        family: One of `edge.families.FAMILIES`.
        bin: The name of the bin.
    """

    family: str
    bin: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of the wanted list; it comes before the routes.

    Attributes:
        label_id: The part number.
        quantity: How many; None is any number.
        bin: The name of the bin; None is `Policy.wanted_bin`.

    Raises:
        ConfigError: The quantity is out of range.
    """

    label_id: str
    quantity: int | None = None
    bin: str | None = None

    def __post_init__(self) -> None:
        check_range("wanted.quantity", 1 if self.quantity is None else self.quantity, 1, MAX_ITEMS)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much fits into a bin.

    Attributes:
        bin: The name of the bin.
        capacity: Items, 1..1,000,000; a tray is one.
        overflow: Name of the bin that takes its items when it is full; None is
            `Policy.overflow_bin`.

    Raises:
        ConfigError: The capacity is out of range.
    """

    bin: str
    capacity: int
    overflow: str | None = None

    def __post_init__(self) -> None:
        check_range("bin.capacity", self.capacity, 1, MAX_ITEMS)


@dataclass(frozen=True, slots=True)
class Backpressure:
    """When the machine has enough to do.

    Attributes:
        pause_at: Commands waiting in the machine from which on nothing more is sent, 1..1000.
        resume_at: Commands waiting down to which it goes on, 0..pause_at - 1.

    Raises:
        ConfigError: A value is out of range.
    """

    pause_at: int
    resume_at: int

    def __post_init__(self) -> None:
        check_range("feeder.pause_at", self.pause_at, 1, 1000)
        check_range("feeder.resume_at (below pause_at)", self.resume_at, 0, self.pause_at - 1)


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator wants.

    The most specific rule wins: the wanted list, then the label's own bin, then its family's, then
    the overflow bin.

    Attributes:
        mode: What is done with an item.
        bins: All bins that may be used.
        routes: Which label goes where.
        families: Which family goes where.
        wanted: Which labels are collected first, and how many of each.
        limits: How much fits into which bin.
        unknown_bin: Name of the bin for items without a label.
        review_bin: Name of the bin for items a person should look at.
        overflow_bin: Name of the bin for labels without a rule, in place of a missing
            `unknown_bin`, `review_bin` or `rest_bin`, and of the overflow of a bin that is full;
            what has no bin at all is not moved.
        wanted_bin: Name of the bin for what is wanted and names no bin.
        rest_bin: Name of the bin for trays without anything wanted.
        watch_for: Label ids that raise an alert in `Mode.WATCH`, none is any label; and what is
            wanted in `Mode.SCOOP` where `wanted` is empty.
        margin: How far, 0..1, the probability of the label has to be above every other one.
        recall_share: Share, 0..1, of a label's own threshold below which it is surely not on a
            tray.
        veto_share: Share, 0..1, of a label's Grad-CAM that has to lie on the object; None switches
            the veto off.
        max_age_s: How old the newest frame of an item may be, above 0 and up to 60.
        travel_s: From the start of an item to its bin, 0..600; None when it waits at the gate.
        belt: From which the time to each bin follows; None with `travel_s`.
        lead_s: The least time before it is due that a command can be sent, 0..60.
        tolerance_s: How long after it is due a command may still fire, 0..60.
        backpressure: When the machine has enough to do; None leaves that to the machine.

    Raises:
        ConfigError: A value is out of range, or both `travel_s` and `belt` are given.
    """

    mode: Mode
    bins: tuple[Bin, ...] = ()
    routes: tuple[Route, ...] = ()
    families: tuple[FamilyRoute, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    limits: tuple[Limit, ...] = ()
    unknown_bin: str | None = None
    review_bin: str | None = None
    overflow_bin: str | None = None
    wanted_bin: str | None = None
    rest_bin: str | None = None
    watch_for: tuple[str, ...] = ()
    margin: float = 0.2
    recall_share: float = 0.3
    veto_share: float | None = None
    max_age_s: float = 1.0
    travel_s: float | None = None
    belt: Belt | None = None
    lead_s: float = 0.05
    tolerance_s: float = 0.05
    backpressure: Backpressure | None = None

    def __post_init__(self) -> None:
        check_range("policy.margin", self.margin, 0, 1)
        check_range("policy.recall_share", self.recall_share, 0, 1)
        check_range("policy.veto_share", self.veto_share or 0, 0, 1)
        check_range("policy.max_age_s", self.max_age_s, 0.001, 60)
        check_range("policy.travel_s", 0 if self.travel_s is None else self.travel_s, 0, 600)
        check_range("policy.lead_s", self.lead_s, 0, 60)
        check_range("policy.tolerance_s", self.tolerance_s, 0, 60)
        if self.belt is not None and self.travel_s is not None:
            raise ConfigError(
                f"sorting.travel_s: found {self.travel_s:g} beside [belt]; keep one of them"
            )

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all that decides; the order in which rules are listed does not."""
        values = asdict(self)
        for key in ("bins", "routes", "families", "wanted", "limits"):
            values[key] = sorted(map(_canonical, values[key]))
        values["watch_for"] = sorted(self.watch_for)
        if self.belt is not None:
            values["belt"]["distances"] = sorted(self.belt.distances)
        return hashlib.sha256(_canonical(values).encode()).hexdigest()

    @property
    def collected(self) -> tuple[Wanted, ...]:
        """The wanted list; on a tray, without one, what is watched for."""
        if self.mode is Mode.SCOOP and not self.wanted:
            return tuple(map(Wanted, self.watch_for))
        return self.wanted

    def bin_named(self, name: str | None) -> Bin | None:
        """The bin of that name, or None."""
        return next((bin_ for bin_ in self.bins if bin_.name == name), None)

    def route_of(self, label_id: str) -> Bin | None:
        """The bin a label goes to, or None where it has no route."""
        names = (route.bin for route in self.routes if route.label_id == label_id)
        return self.bin_named(next(names, None))

    def rule_of(self, label: Label) -> Bin | None:
        """The bin a label goes to by its own route or by its family's, or None."""
        family = family_of(label.name)
        names = (route.bin for route in self.families if route.family == family)
        return self.route_of(label.id) or self.bin_named(next(names, None))

    def wanted_line(self, label_id: str) -> tuple[Wanted, Bin] | None:
        """The line of the wanted list for a label, with its bin; None where there is none."""
        line = next((line for line in self.collected if line.label_id == label_id), None)
        target = self.bin_named(line.bin or self.wanted_bin) if line else None
        return (line, target) if line and target else None

    def capacity_of(self, name: str) -> int | None:
        """How many items fit into a bin; None where that is not limited."""
        return next((limit.capacity for limit in self.limits if limit.bin == name), None)

    def chain_of(self, name: str | None) -> tuple[Bin, ...]:
        """A bin and those that take over from it, one after the other; each of them once."""
        overflows = {limit.bin: limit.overflow for limit in self.limits}
        chain: list[Bin] = []
        while (bin_ := self.bin_named(name)) is not None and bin_ not in chain:
            chain.append(bin_)
            name = overflows.get(bin_.name) or self.overflow_bin
        return tuple(chain)


def _canonical(values: object) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"))

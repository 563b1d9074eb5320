"""What the simulated machine is like, and what goes wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers.settings import (
    check_keys,
    check_number,
    check_truth,
    check_whole,
    read_names,
)
from sorter_firmware_bridge.drivers.simulated_machine import SimulatedOutput, SimulatedTable
from sorter_firmware_bridge.errors import DriverSettingsError

MAX_FAULTS = 1000
CONFIRM_MARGIN_US = 500_000


class FaultKind(StrEnum):
    """What can go wrong with one command."""

    SILENCE = "silence"
    """The command is lost on the way: no answer, and it never fires."""
    LOST_REPLY = "lost_reply"
    """The machine does as it is told, but nothing it says of it arrives."""
    REFUSAL = "refusal"
    """The machine answers no."""
    JAM = "jam"
    """Accepted, but it never fires: the machine stops itself."""
    UNPLUG = "unplug"
    """The command and everything after it is lost, in both directions."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, at a place in the order of commands.

    Attributes:
        kind: What.
        at_command: The first command it happens to, counted from 1 as they are sent.
        times: How many commands in a row it happens to.

    Raises:
        DriverSettingsError: The kind does not exist, or a count is out of range.
    """

    kind: FaultKind
    at_command: int = 1
    times: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.kind, FaultKind):
            raise DriverSettingsError(
                f"faults.kind: found {self.kind!r}, allowed are {', '.join(FaultKind)}"
            )
        check_whole("faults.at_command", self.at_command, 1, 10**9)
        check_whole("faults.times", self.times, 1, 10**9)

    def hits(self, sent: int) -> bool:
        """Whether it happens to the command sent as number `sent`."""
        return self.at_command <= sent < self.at_command + self.times


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """What a simulated machine is like.

    Attributes:
        queue_depth: Commands it can hold, 1..64.
        watchdog_s: Silence after which it makes itself safe, 0.05..60.
        move_s: How long one movement keeps the machine busy, 0..60.
        confirms: Whether a sensor sees the drop.
        confirm_after_s: From the start of a movement to the drop, 0..60.
        sensors: Names of sensors that can be tripped.
        faults: What goes wrong; the first that fits a command is taken.

    Raises:
        DriverSettingsError: A value is out of range.
    """

    queue_depth: int = 8
    watchdog_s: float = 2.0
    move_s: float = 0.3
    confirms: bool = True
    confirm_after_s: float = 0.2
    sensors: tuple[str, ...] = ("gate",)
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        check_whole("queue_depth", self.queue_depth, 1, 64)
        check_number("watchdog_s", self.watchdog_s, 0.05, 60)
        check_number("move_s", self.move_s, 0, 60)
        check_truth("confirms", self.confirms)
        check_number("confirm_after_s", self.confirm_after_s, 0, 60)
        check_whole("how many faults", len(self.faults), 0, MAX_FAULTS)

    def fault_at(self, sent: int) -> FaultKind | None:
        """What goes wrong with the command sent as number `sent`, counted from 1."""
        return next((fault.kind for fault in self.faults if fault.hits(sent)), None)


def read_settings(found: Mapping[str, object]) -> SimulatedSettings:
    """Settings as a configuration file gives them.

    Args:
        found: Any of the attributes of `SimulatedSettings`; `faults` as a list of tables with
            the attributes of `Fault`.

    Raises:
        DriverSettingsError: An unknown key, a wrong type or a value out of range.

    Example:
        read_settings({"watchdog_s": 1.0, "faults": [{"kind": "jam", "at_command": 3}]})
    """
    check_keys(found, _names(SimulatedSettings), "simulated machine")
    values: dict[str, Any] = dict(found)
    if "sensors" in values:
        values["sensors"] = read_names("sensors", values["sensors"])
    if "faults" in values:
        values["faults"] = tuple(map(_read_fault, _listed("faults", values["faults"])))
    return SimulatedSettings(**values)


def table_of(bins: tuple[Bin, ...], settings: SimulatedSettings) -> SimulatedTable:
    """What such a machine is: one chute for all bins, as in most hobby machines."""
    move_us = round(settings.move_s * 1e6)
    window_us = round(settings.confirm_after_s * 1e6) + CONFIRM_MARGIN_US
    return SimulatedTable(
        outputs=tuple(SimulatedOutput(bin_.number, 0, move_us) for bin_ in bins),
        watchdog_us=round(settings.watchdog_s * 1e6),
        confirm_us=window_us if settings.confirms else 0,
        sensors=len(settings.sensors),
        depth=settings.queue_depth,
    )


def _read_fault(found: object) -> Fault:
    if isinstance(found, Fault):
        return found
    if not isinstance(found, Mapping) or "kind" not in found:
        raise DriverSettingsError(f"faults: found {found!r}, expected a table with a kind")
    check_keys(found, _names(Fault), "faults")
    kind = found["kind"]
    return Fault(**{**found, "kind": FaultKind(kind) if kind in list(FaultKind) else kind})


def _listed(key: str, found: object) -> list[object]:
    if not isinstance(found, list | tuple):
        raise DriverSettingsError(f"{key}: found {found!r}, expected a list")
    return list(found)


def _names(kind: type[Fault] | type[SimulatedSettings]) -> list[str]:
    return [field.name for field in fields(kind)]

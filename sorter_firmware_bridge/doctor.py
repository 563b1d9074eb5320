"""Whether a machine can be trusted: its promise, its answers, every bin once, its watchdog."""

import statistics
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sorter_firmware_bridge.bins import (
    Bin,
    Command,
    Condition,
    MachineState,
    Promise,
    ReceiptState,
    Timing,
)
from sorter_firmware_bridge.drivers.driver import Driver
from sorter_firmware_bridge.errors import DriverSettingsError, MachineError

QUESTIONS = 20
BIN_TIMEOUT_S = 10.0
HOMING_TIMEOUT_S = 60.0
SILENCE_MARGIN_S = 0.5
DEADLINE_MARGIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was looked at, whether it is well, what was found and what to do."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What a configuration says of a machine.

    Attributes:
        kind: One of `drivers.ADAPTERS`.
        settings: Of that driver.
        bins: It is expected to have.
    """

    kind: str
    settings: Mapping[str, Any]
    bins: tuple[Bin, ...]


def read_machine(path: Path) -> MachineFacts:
    """The machine of an edge.toml; nothing else of it is looked at.

    Raises:
        DriverSettingsError: It cannot be read, or names no machine or no bins.
        BinError: A bin cannot be.
    """
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise DriverSettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DriverSettingsError(f"{path}: {error}") from error
    machine = found.get("machine", {})
    rows = found.get("bin", [])
    if not isinstance(machine, dict) or not isinstance(machine.get("settings", {}), dict):
        raise DriverSettingsError(f"{path}: expected [machine] with a driver and its settings")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DriverSettingsError(f"{path}: expected [[bin]] tables with number and name")
    bins = tuple(Bin(row.get("number", -1), row.get("name", "")) for row in rows)
    kind = str(machine.get("driver", "simulated"))
    if kind == "none":
        raise DriverSettingsError(f'{path}: machine.driver is "none"; there is nothing to look at')
    return MachineFacts(kind, machine.get("settings", {}), bins)


class Doctor:
    """Looks at one open machine.

    Args:
        driver: Open, and used by nobody else.
        clock: Seconds, monotonic.
    """

    def __init__(self, driver: Driver, clock: Callable[[], float] = time.monotonic) -> None:
        self._driver = driver
        self._clock = clock
        self._command_id = 0
        # Nobody ends it early: it only lets a moment pass.
        self._pause = threading.Event()

    def introduce(self) -> list[Finding]:
        """What the machine says of itself, and what its link promises."""
        hello = self._driver.hello
        bins = ", ".join(str(bin_.number) for bin_ in hello.bins)
        once = hello.promise is Promise.EXACTLY_ONCE
        more = "a lost message is repeated and known for the same" if once else _AT_MOST_ONCE
        timed = hello.timing is Timing.MACHINE
        seen = (
            "a sensor confirms drops" if hello.confirms else 'no drop sensor: "fired" is the most'
        )
        return [
            Finding("machine", True, f"{hello.kind}, boot {hello.boot_id}"),
            Finding("bins", bool(hello.bins), bins or "none declared"),
            Finding("promise", True, f"{hello.promise}: {more}"),
            Finding("timing", True, f"{hello.timing}: {_MACHINE_TIMED if timed else _HOST_TIMED}"),
            Finding("drops", True, seen),
            Finding("sensors", True, ", ".join(hello.sensors) or "none"),
            Finding("queue", True, f"{hello.queue_depth} commands"),
        ]

    def round_trips(self) -> Finding:
        """How long an answer takes, of 20."""
        took_s = []
        for _ in range(QUESTIONS):
            began_s = self._clock()
            self._driver.state()
            took_s.append(self._clock() - began_s)
        low, middle, high = (
            1e3 * value for value in (min(took_s), statistics.median(took_s), max(took_s))
        )
        text = f"{middle:.1f} ms (median of {QUESTIONS}; {low:.1f} to {high:.1f})"
        return Finding("round trip", True, text)

    def try_bin(self, bin_: Bin) -> Finding:
        """Move one bin once, and say what the machine reported of it."""
        what = str(bin_)
        state = self._arm()
        if not state.armed:
            return Finding(what, False, _not_armed(state))
        self._command_id += 1
        # What has not moved by then must not move later, when nobody expects it.
        deadline_s = state.clock_s + BIN_TIMEOUT_S
        receipt = self._driver.move_to(Command(self._command_id, bin_, deadline_s=deadline_s))
        until_s = self._clock() + BIN_TIMEOUT_S + DEADLINE_MARGIN_S
        while receipt.state is ReceiptState.ACCEPTED and self._clock() < until_s:
            self._wait()
            self._driver.heartbeat()
            for news in self._driver.receipts():
                receipt = news if news.command_id == self._command_id else receipt
        fired = receipt.state in (ReceiptState.FIRED, ReceiptState.CONFIRMED)
        return Finding(what, fired, f"{receipt.state} {receipt.reason}".rstrip())

    def watchdog(self) -> Finding:
        """Arm, say nothing for longer than the watchdog allows, and see whether it noticed."""
        watchdog_s = self._driver.hello.watchdog_s
        armed = self._arm()
        if not armed.armed:
            return Finding("watchdog", False, f"not tried; {_not_armed(armed)}")
        self._pause.wait(watchdog_s + SILENCE_MARGIN_S)
        try:
            state = self._driver.state()
        except MachineError as error:
            return Finding("watchdog", False, f"after the silence: {error}")
        ok = state.condition is Condition.SAFE
        heard = f"silence of {watchdog_s + SILENCE_MARGIN_S:g} s, allowed are {watchdog_s:g} s"
        if ok:
            return Finding("watchdog", True, f"{heard}: it made itself safe ({state.reason})")
        advice = "do not leave it alone: nothing stops it when this computer dies"
        return Finding("watchdog", False, f"{heard}: it is still {state.condition}; {advice}")

    def _arm(self) -> MachineState:
        """Arm, and wait for a machine that looks for its home position first."""
        state = self._driver.arm()
        until_s = self._clock() + HOMING_TIMEOUT_S
        while state.condition is Condition.DISARMED and self._clock() < until_s:
            self._wait()
            state = self._driver.heartbeat()
        return state

    def _wait(self) -> None:
        self._pause.wait(min(0.05, self._driver.hello.watchdog_s / 4))


def _not_armed(state: MachineState) -> str:
    return f"it cannot be armed: {state.condition} {state.reason}".rstrip()


_AT_MOST_ONCE = "nothing is sent twice, and what got no answer is unknown"
_MACHINE_TIMED = "commands wait in the machine"
_HOST_TIMED = "commands wait here, and a busy computer is late by milliseconds"

"""Machines that keep sbp/1, on a clock of ours: the Python twin, the firmware's core natively, and
the very .hex on simavr. Bytes go in and out, and what the outputs really did is the truth.

    boot(kind, TABLE)  ->  Machine with put, run, get, edges, reset, sensed, drop
"""

import ctypes
import hashlib
import subprocess
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from sorter_firmware_bridge import firmware
from sorter_firmware_bridge.drivers.simulated_machine import (
    SimulatedMachine,
    SimulatedOutput,
    SimulatedTable,
)
from sorter_firmware_bridge.firmware.build import Built, build
from sorter_firmware_bridge.firmware.table import Drop, Output, Sensor, Table

HERE = Path(__file__).parent
FIRMWARE = Path(firmware.__file__).parent
TICK_US = 50
CYCLES_PER_US = 16
BOOT_US = 20_000

MUTATIONS = (
    "SBP_WITHOUT_DUPLICATE_CHECK",
    "SBP_WITHOUT_WATCHDOG",
    "SBP_WITHOUT_DEADLINE_CHECK",
)

TABLE = Table(
    tuple(Output(bin_, "pulse", 3 + bin_, on_ms=10, rest_ms=2) for bin_ in (1, 2, 3, 4)),
    watchdog_ms=500,
    max_on_ms=2000,
    sensor=(Sensor(2),),
)
"""Four outputs on pins 4 to 7, one sensor, no drop sensor."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One output went on or off, at a time that no program can be wrong about."""

    bin: int
    on: bool
    at_us: float


class Machine(Protocol):
    """A machine on a clock of ours.

    Attributes:
        now_us: Since it was powered; the machine's own clock may have begun a little later.
    """

    now_us: float

    def put(self, chunk: bytes) -> None:
        """Give it bytes, at the speed of its line where it has one."""

    def get(self) -> bytes:
        """What it has sent since the last call."""

    def run(self, until_us: float) -> None:
        """Let time pass."""

    def edges(self) -> list[Edge]:
        """Everything its outputs did since it was powered."""

    def reset(self) -> None:
        """Take its power away for an instant."""

    def sensed(self) -> None:
        """Something passes its sensor."""


def boot(kind: str, table: Table = TABLE, mutation: str | None = None) -> Machine:
    """Power a machine.

    Args:
        kind: "twin", "native" or "avr".
        table: What it is.
        mutation: One of `MUTATIONS`, taken out of its program; none of the twin's.
    """
    if kind == "twin":
        return Twin(table)
    return Native(table, mutation) if kind == "native" else Avr(table, mutation)


def bins_on(edges: Sequence[Edge]) -> list[int]:
    """The bins of all pulses, in the order they began."""
    return [edge.bin for edge in edges if edge.on]


# ---- the Python twin ----------------------------------------------------------------------------


class Twin:
    """`drivers/simulated_machine.py`."""

    def __init__(self, table: Table, now_us: int = 0) -> None:
        rows = zip(table.output, table.groups, strict=True)
        self._table = SimulatedTable(
            tuple(SimulatedOutput(o.bin, g, o.on_ms * 1000, o.rest_ms * 1000) for o, g in rows),
            watchdog_us=table.watchdog_ms * 1000,
            max_on_us=table.max_on_ms * 1000,
            confirm_us=table.window_ms * 1000 if table.drop else 0,
            sensors=len(table.sensor),
        )
        self.machine = SimulatedMachine(self._table, now_us)
        self.now_us = float(now_us)

    def put(self, chunk: bytes) -> None:
        self.machine.receive(chunk, int(self.now_us))
        self.machine.tick(int(self.now_us))

    def get(self) -> bytes:
        return self.machine.send()

    def run(self, until_us: float) -> None:
        self.machine.advance(int(until_us))
        self.now_us = until_us

    def edges(self) -> list[Edge]:
        return [Edge(self.machine.bin_of(e.output), e.on, e.at_us) for e in self.machine.edges]

    def reset(self) -> None:
        self.machine.reset(int(self.now_us))

    def sensed(self) -> None:
        self.machine.sensed(0)

    def drop(self) -> None:
        """Its drop sensor sees something."""
        self.machine.drop()


# ---- the core, natively -------------------------------------------------------------------------


class _NativeEdge(ctypes.Structure):
    _fields_ = (
        ("output", ctypes.c_uint32),
        ("on", ctypes.c_uint32),
        ("at_us", ctypes.c_uint32),
    )


class Native:
    """`firmware/core`, compiled for this computer."""

    def __init__(self, table: Table, mutation: str | None = None, now_us: int = 0) -> None:
        self._lib = native_library(mutation)
        self._table = table
        rows = zip(table.output, table.groups, strict=True)
        flat = [n for o, g in rows for n in (o.bin, g, o.on_ms, o.rest_ms)]
        self._handle = ctypes.c_void_p(
            self._lib.sbp_new(
                (ctypes.c_uint16 * len(flat))(*flat),
                len(table.output),
                table.watchdog_ms,
                table.max_on_ms,
                table.window_ms if table.drop else 0,
                len(table.sensor),
                0,
                ctypes.c_uint32(now_us % 2**32),
            )
        )
        self.now_us = float(now_us)

    def put(self, chunk: bytes) -> None:
        now = ctypes.c_uint32(int(self.now_us) % 2**32)
        self._lib.sbp_receive(self._handle, chunk, len(chunk), now)
        self._lib.sbp_run(self._handle, now, TICK_US)

    def get(self) -> bytes:
        room = ctypes.create_string_buffer(256)
        size = self._lib.sbp_send(self._handle, room, 256)
        return room.raw[:size]

    def run(self, until_us: float) -> None:
        self._lib.sbp_run(self._handle, ctypes.c_uint32(int(until_us) % 2**32), TICK_US)
        self.now_us = until_us

    def edges(self) -> list[Edge]:
        found, edge = [], _NativeEdge()
        for place in range(self._lib.sbp_edge_count(self._handle)):
            self._lib.sbp_edge(self._handle, place, ctypes.byref(edge))
            bin_ = self._table.output[edge.output].bin
            found.append(Edge(bin_, bool(edge.on), edge.at_us))
        return found

    def reset(self) -> None:
        self._lib.sbp_reset(self._handle, ctypes.c_uint32(int(self.now_us) % 2**32))

    def sensed(self) -> None:
        self._lib.sbp_sensed(self._handle, 0, ctypes.c_uint32(int(self.now_us) % 2**32))

    def drop(self) -> None:
        """Its drop sensor sees something."""
        self._lib.sbp_drop(self._handle, 0xFF, ctypes.c_uint32(int(self.now_us) % 2**32))


@cache
def native_library(mutation: str | None = None) -> ctypes.CDLL:
    """The core as a shared library."""
    sources = [*sorted((FIRMWARE / "core").glob("*.cpp")), FIRMWARE / "native" / "native.cpp"]
    flags = ["-std=c++14", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    flags += [f"-D{mutation}"] if mutation else []
    lib = ctypes.CDLL(str(_compiled("g++", sources, flags)))
    lib.sbp_new.restype = ctypes.c_void_p
    return lib


def _compiled(compiler: str, sources: Sequence[Path], flags: Sequence[str]) -> Path:
    """A shared library in this process's own folder."""
    name = hashlib.sha256(repr((compiler, sources, flags)).encode()).hexdigest()[:16]
    made = scratch() / f"{name}.so"
    command = [compiler, "-O2", "-shared", "-fPIC", *flags[:99], *map(str, sources)]
    libraries = ["-lsimavr", "-lelf"] if compiler == "gcc" else []
    try:
        done = subprocess.run(
            [*command, "-o", str(made), *libraries], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise RuntimeError(f"{compiler} is missing: sudo apt install g++") from error
    if done.returncode:
        raise RuntimeError(
            f"{compiler} failed; is everything there? sudo apt install g++ libsimavr-dev "
            f"libelf-dev\n{done.stderr}"
        )
    return made


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="bricksight-sbp-")


def scratch() -> Path:
    """A folder of this process, gone with it."""
    return Path(_folder().name)


# ---- the very .hex, on simavr -------------------------------------------------------------------


class _AvrEdge(ctypes.Structure):
    _fields_ = (("cycle", ctypes.c_uint64), ("pin", ctypes.c_uint32), ("high", ctypes.c_uint32))


class Avr:
    """An Arduino Uno in simavr.

    Args:
        table: What it is.
        mutation: One of `MUTATIONS`.
        program: The .hex that was built from the table; by default, it is built here.

    Attributes:
        heard_us: When the last byte from the host was there; 0 before any.
    """

    def __init__(
        self, table: Table, mutation: str | None = None, program: Path | None = None
    ) -> None:
        self._lib = board_library()
        self._table = table
        program = program or built(table, mutation).hex
        handle = self._lib.board_new(str(program).encode(), CYCLES_PER_US * 10**6)
        if not handle:
            raise RuntimeError(f"simavr does not take {program}")
        self._handle = ctypes.c_void_p(handle)
        self._byte_us = 10e6 / table.baud
        self._line_free_us = 0.0
        self._coming: deque[tuple[float, int]] = deque()
        self.now_us = self.heard_us = 0.0
        self.run(BOOT_US)
        self._boot_edges = self._lib.board_edge_count(self._handle)

    def put(self, chunk: bytes) -> None:
        for byte in chunk:
            self._line_free_us = max(self._line_free_us, self.now_us) + self._byte_us
            self._coming.append((self._line_free_us, byte))

    def get(self) -> bytes:
        room = ctypes.create_string_buffer(65536)
        size = self._lib.board_get(self._handle, room, 65536)
        return room.raw[:size]

    def run(self, until_us: float) -> None:
        while self._coming and self._coming[0][0] <= until_us:
            at_us, byte = self._coming.popleft()
            self._go(at_us)
            # The line does not wait: simavr says when its buffer is full, and then a byte is late.
            while not self._lib.board_ready(self._handle):
                self._go(self.now_us + self._byte_us)
            self._lib.board_put(self._handle, ctypes.c_uint8(byte))
            self.heard_us = self.now_us
        self._go(until_us)

    def _go(self, until_us: float) -> None:
        if until_us <= self.now_us:
            return
        until = ctypes.c_uint64(int(until_us * CYCLES_PER_US))
        if self._lib.board_run(self._handle, until):
            raise RuntimeError("the program crashed")
        self.now_us = max(until_us, self._lib.board_cycle(self._handle) / CYCLES_PER_US)

    def edges(self) -> list[Edge]:
        return _changes(self.edges_from(self._boot_edges)[0])

    def edges_from(self, place: int) -> tuple[list[Edge], int]:
        """What was written to outputs from one place of the record on, and where it ends."""
        pins = {output.pin: output.bin for output in self._table.output}
        levels, end = self._levels(place)
        found = [Edge(pins[pin], high, at_us) for at_us, pin, high in levels if pin in pins]
        return found, end

    def levels(self, pin: int) -> list[tuple[float, bool]]:
        """When a pin became what, since its power came; from its very first cycle."""
        return [(at_us, high) for at_us, found, high in self._levels(0)[0] if found == pin]

    def _levels(self, place: int) -> tuple[list[tuple[float, int, bool]], int]:
        found, edge, end = [], _AvrEdge(), self._lib.board_edge_count(self._handle)
        for at in range(place, end):
            self._lib.board_edge(self._handle, at, ctypes.byref(edge))
            found.append((edge.cycle / CYCLES_PER_US, edge.pin, bool(edge.high)))
        return found, end

    def reset(self) -> None:
        self._lib.board_reset(self._handle)
        self._coming.clear()
        self.run(self.now_us + BOOT_US)

    def sensed(self) -> None:
        """The sensor of `TABLE` is active low."""
        self.set_pin(self._table.sensor[0].pin, False)
        self.run(self.now_us + 1000)
        self.set_pin(self._table.sensor[0].pin, True)
        self.run(self.now_us + 1000 * (self._table.sensor[0].debounce_ms + 1))

    def set_pin(self, pin: int, high: bool) -> None:
        """Put a level onto an input."""
        self._lib.board_set_pin(self._handle, pin, high)


def _changes(edges: list[Edge]) -> list[Edge]:
    """Edges that change something; a pin that is written again is no edge."""
    on: dict[int, bool] = {}
    changes = []
    for edge in edges:
        if on.get(edge.bin, False) != edge.on:
            changes.append(edge)
        on[edge.bin] = edge.on
    return changes


@cache
def board_library() -> ctypes.CDLL:
    """simavr with the ways in and out that a test needs."""
    flags = ["-Wall", "-Wextra", "-Werror", "-I/usr/include/simavr"]
    lib = ctypes.CDLL(str(_compiled("gcc", [HERE / "simavr_board.c"], flags)))
    lib.board_new.restype = ctypes.c_void_p
    lib.board_cycle.restype = ctypes.c_uint64
    return lib


@cache
def built(table: Table, mutation: str | None = None) -> Built:
    """The firmware for a table."""
    name = hashlib.sha256(repr((table, mutation)).encode()).hexdigest()[:16]
    return build(table, scratch() / f"firmware-{name}", (mutation,) if mutation else ())


def with_drop_sensor(table: Table = TABLE, window_ms: int = 500) -> Table:
    """The same with one drop sensor for all bins, on pin 3."""
    values = {name: getattr(table, name) for name in table.__slots__}
    return Table(**{**values, "drop": (Drop(3),), "window_ms": window_ms})

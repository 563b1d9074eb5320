"""Hosts that are killed with SIGKILL: one that drives the firmware, and the core of the app."""

import tempfile
from pathlib import Path

from machines.framed_board import Board
from test_framed import MACHINE, QUEUED_S, SAFE_WITHIN_US, WATCHDOG_MS, killed_host
from waiting import wait_for

from sorter_firmware_bridge.bins import Bin, Condition
from sorter_firmware_bridge.drivers import open_driver
from tests.bench.table import Reach, Row
from tests.prove import killing
from tests.prove.context import Proof

HOSTS, QUICK_HOSTS = 10, 1
KILLS, QUICK_KILLS = 50, 5
BINS = (Bin(1, "long"), Bin(2, "short"))


def host_rows(proof: Proof) -> list[Row]:
    """A real process drives the .hex at a pseudo terminal and is killed with an output on and a
    queue full; times are cycles of the chip."""
    worst_us, pulses, count = 0.0, 0, proof.amount(HOSTS, QUICK_HOSTS)
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            after_us, fired = _one_host(Path(folder))
        worst_us, pulses = max(worst_us, after_us), pulses + fired
    reach = Reach("at most", SAFE_WITHIN_US / 1000, " ms")
    note = f"{count} hosts, declared watchdog {WATCHDOG_MS} ms"
    return [
        Row("host killed -9: last byte until safe, longest", reach, worst_us / 1000, note),
        Row("pulses after that, until ARM", Reach("at most", 0), pulses, "", 0),
    ]


def app_rows(proof: Proof) -> list[Row]:
    """The core of the app with its journal and a simulated machine."""
    with tempfile.TemporaryDirectory() as folder:
        found = killing.kill(Path(folder), proof.amount(KILLS, QUICK_KILLS))
    return [killing.row_of(found)]


def _one_host(folder: Path) -> tuple[float, int]:
    board = Board(folder, MACHINE)
    board.plug_in()
    try:
        on_us, off_us = killed_host(board)
        heard_us = board.heard_us()
        with open_driver("framed", BINS, {"port": str(board.port)}) as driver:
            past_s = on_us / 1e6 + QUEUED_S
            wait_for(lambda: driver.state().clock_s > past_s, "what was queued to be due")
            if driver.state().condition is not Condition.SAFE:
                return float("inf"), len(board.bins_on()) - 1
        return off_us - heard_us, len(board.bins_on()) - 1
    finally:
        board.pull_out()

"""How exactly the firmware fires, how much the line carries, how small the program is."""

import tempfile
from pathlib import Path

import campaign
from fault_proxy import Wire
from sbp_machines import boot

from sorter_firmware_bridge.bins import Command, ReceiptState
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.firmware.build import build
from sorter_firmware_bridge.firmware.table import SHIPPED, read_table
from sorter_firmware_bridge.link import Link
from tests.bench.table import Reach, Row
from tests.prove.context import Proof

TIMED, QUICK_TIMED = 1000, 20
BURST, QUICK_BURST = 400, 20
PERCENTILE = 0.99
EVERY_S = 0.025
"""One command each; an output that is used again has long been free."""


def size_rows(proof: Proof) -> list[Row]:
    """The shipped machine's program."""
    with tempfile.TemporaryDirectory() as folder:
        built = build(read_table(SHIPPED), Path(folder))
    return [
        Row("flash of the firmware", Reach("at most", 8192, " B"), built.flash_bytes, "", 0),
        Row("static RAM of the firmware", Reach("at most", 1024, " B"), built.ram_bytes, "", 0),
    ]


def schedule_rows(proof: Proof) -> list[Row]:
    """Pin edges against due times, every 25 ms, with the link at work all the time."""
    count = proof.amount(TIMED, QUICK_TIMED)
    driver, wire = _driver()
    driver.arm()
    due_s, first_s = {}, driver.state().clock_s + 0.2
    fired_s: dict[int, float] = {}
    while len(due_s) < count:
        command_id = len(due_s) + 1
        at_s = first_s + EVERY_S * command_id
        bin_ = campaign.BINS[command_id % len(campaign.BINS)]
        if driver.move_to(Command(command_id, bin_, at_s, at_s + 0.5)).state is _ACCEPTED:
            due_s[command_id] = at_s
        _collect(driver, fired_s)
    while len(fired_s) < count:
        wire.wait(0.02)
        driver.heartbeat()
        _collect(driver, fired_s)
    edges_s = [edge.at_us / 1e6 for edge in wire.machine.edges() if edge.on]
    # The machine's clock begins with its program, a little after the power.
    told_s = [fired_s[command_id] for command_id in sorted(fired_s)]
    origin_s = min(edge - told for edge, told in zip(edges_s, told_s, strict=True))
    off_ms = sorted(
        1e3 * (edge - origin_s - due) for edge, due in zip(edges_s, due_s.values(), strict=True)
    )
    note = f"{count} commands; median {off_ms[count // 2]:.2f} ms, earliest {off_ms[0]:.3f} ms"
    p99 = off_ms[min(count - 1, round(PERCENTILE * count))]
    return [
        Row("fire time after schedule, p99", Reach("at most", 1, " ms"), p99, note, 3),
        Row("fire time after schedule, earliest", Reach("at least", 0, " ms"), off_ms[0], "", 3),
    ]


def throughput_rows(proof: Proof) -> list[Row]:
    """Items one after the other over 115,200 baud, each known as fired at the end."""
    count = proof.amount(BURST, QUICK_BURST)
    driver, wire = _driver()
    driver.arm()
    began_s, sent = wire.now_s(), 0
    fired_s: dict[int, float] = {}
    while len(fired_s) < count:
        bin_ = campaign.BINS[sent % len(campaign.BINS)]
        command = Command(sent + 1, bin_)
        if sent < count and driver.move_to(command).state is _ACCEPTED:
            sent += 1
        _collect(driver, fired_s)
    rate = count / (wire.now_s() - began_s)
    trip_ms = 1e3 * sorted(driver.link.round_trips_s)[len(driver.link.round_trips_s) // 2]
    note = f"{count} items; an answer takes {trip_ms:.1f} ms on the line (median)"
    return [Row("sustained items", Reach("at least", 40, "/s"), rate, note, 0)]


_ACCEPTED = ReceiptState.ACCEPTED


def _driver() -> tuple[FramedDriver, Wire]:
    wire = Wire(boot("avr"))
    link = Link(wire, clock=wire.now_s)
    return FramedDriver(link, campaign.BINS, ("gate",), clock=wire.now_s), wire


def _collect(driver: FramedDriver, fired_s: dict[int, float]) -> None:
    for receipt in driver.receipts():
        if receipt.state is ReceiptState.FIRED and receipt.clock_s is not None:
            fired_s[receipt.command_id] = receipt.clock_s

"""A bad wire, noise, a dead host and missing checks, on the .hex in simavr."""

from random import Random

import campaign
from conversation import Host, armed
from rich.progress import track
from sbp_machines import MUTATIONS, TABLE, Avr, bins_on, boot

from sorter_firmware_bridge.firmware.table import Output, Table
from sorter_firmware_bridge.frames import Frame, encode
from sorter_firmware_bridge.protocol import Kind, Mode, Result, move_payload
from tests.bench.table import Reach, Row
from tests.prove.context import Proof

SEEDS, QUICK_SEEDS = 5, 1
COMMANDS, QUICK_COMMANDS = 1000, 40
NOISE_BYTES, QUICK_NOISE_BYTES = 100_000, 2_000
NOISE_CHUNK = 100
LEAST_FAULTY = 0.3
NONE = Reach("at most", 0)
CAUGHT = Reach("at least", 1)
LONG = Table((Output(1, "pulse", 4, on_ms=1500), Output(2, "pulse", 5, 10)), watchdog_ms=500)
PATIENT = Table(TABLE.output, watchdog_ms=60_000)
SECOND_US = 1_000_000


def campaign_rows(proof: Proof) -> list[Row]:
    """Commands through a wire that spoils more than 30 % of the frames each way."""
    seeds = proof.amount(SEEDS, QUICK_SEEDS)
    commands = proof.amount(COMMANDS, QUICK_COMMANDS)
    reports = [
        campaign.run(boot("avr"), seed, commands)
        for seed in track(range(1, seeds + 1), "seeds", transient=True)
    ]
    accepted = sum(len(report.orders) for report in reports)
    fired = sum(len(report.fired) for report in reports)
    pulses = sum(len(report.pulses) for report in reports)
    apart = sum(
        max(len(r.orders), len(r.fired), len(r.pulses))
        - min(len(r.orders), len(r.fired), len(r.pulses))
        for r in reports
    )
    problems = [problem for report in reports for problem in report.problems()]
    faulty = min(min(report.faulty) for report in reports)
    said = f"{accepted} accepted, {fired} told as fired, {pulses} pulses; {seeds} seeds"
    return [
        Row("frames spoiled, least of both ways", Reach("at least", LEAST_FAULTY), faulty),
        Row("accepted, fired and pulses apart", NONE, apart, said, 0),
        Row(
            "double, late, early or unexplained",
            NONE,
            len(problems),
            "; ".join(problems[:2]),
            0,
        ),
    ]


def mutation_rows(proof: Proof) -> list[Row]:
    """The same firmware with a check taken out: whether the suite notices."""
    commands = proof.amount(200, QUICK_COMMANDS)
    twice = campaign.run(boot("avr", mutation=MUTATIONS[0]), 1, commands)
    off_ms = on_after_death(MUTATIONS[1])
    late = late_pulses(MUTATIONS[2])
    return [
        Row(
            "caught without the duplicate check: problems",
            CAUGHT,
            len(twice.problems()),
            f"{len(twice.pulses)} pulses for {len(twice.orders)} commands",
            0,
        ),
        Row(
            "caught without the watchdog: ms on after the host died",
            Reach("at least", LONG.watchdog_ms + 5, " ms"),
            off_ms,
        ),
        Row("caught without the deadline check: late pulses", CAUGHT, late, "", 0),
        Row("late pulses with it", NONE, late_pulses(None), "", 0),
    ]


def silence_rows(proof: Proof) -> list[Row]:
    """A host that falls silent in the middle of a queue, with an output that would stay on."""
    reach = Reach("at most", LONG.watchdog_ms + 5, " ms")
    return [Row("silent host: last word until safe", reach, on_after_death(None))]


def noise_rows(proof: Proof) -> list[Row]:
    """Bytes that are no command, sent to an armed machine."""
    size = proof.amount(NOISE_BYTES, QUICK_NOISE_BYTES)
    return [
        Row(f"pulses from {size:,} random bytes", NONE, _from_noise(size), "", 0),
        Row("pulses from every flipped bit of a MOVE", NONE, *_from_flips(), 0),
        Row("pulses from every cut of a MOVE", NONE, *_from_cuts(), 0),
    ]


def on_after_death(mutation: str | None) -> float:
    """Milliseconds from the host's last word to the end of an output that would last 1.5 s."""
    machine = Avr(LONG, mutation)
    host = armed(machine)
    host.move(1)
    ahead = host.poll().clock_us + 2 * SECOND_US
    host.move(2, ahead, ahead + SECOND_US)
    said_us = machine.heard_us
    host.wait(4 * SECOND_US)
    (off_us,) = [edge.at_us for edge in machine.edges() if edge.bin == 1 and not edge.on]
    return (off_us - said_us) / 1000


def late_pulses(mutation: str | None) -> int:
    """Of 20 commands for an output that is busy until after their deadline, those that fire."""
    machine = boot("avr", mutation=mutation)
    host, late = armed(machine), 0
    for _ in range(20):
        before = len(bins_on(machine.edges()))
        due = host.poll().clock_us + 60_000
        if host.move(1, due, due + 2_000).result is not Result.OK:
            break
        host.move(1, due + 1_000, due + 3_000)
        host.wait(0.1 * SECOND_US)
        late += len(bins_on(machine.edges())) - before - 1
        _acknowledge(host)
    return late


def _acknowledge(host: Host) -> None:
    status = host.poll(0)
    while status.events:
        status = host.poll((status.first + len(status.events)) % 256)


def _from_noise(size: int) -> int:
    machine = boot("avr")
    host, random = armed(machine), Random(5)
    for _ in track(range(0, size, NOISE_CHUNK), "random bytes", transient=True):
        host.say(random.randbytes(NOISE_CHUNK))
        if host.poll().mode is not Mode.ARMED:
            host = armed(machine)
    return len(bins_on(machine.edges()))


def _move(host: Host) -> bytes:
    return encode(Frame(Kind.MOVE, host.session, host.seq + 1, move_payload(0, 1, None, None)))


def _from_flips() -> tuple[int, str]:
    machine = boot("avr", PATIENT)
    host = armed(machine)
    wire = _move(host)
    # Without the first or the last byte, a delimiter, it is still the same command.
    bits = range(8, 8 * (len(wire) - 1))
    for bit in bits:
        flipped = bytearray(wire)
        flipped[bit // 8] ^= 1 << bit % 8
        machine.put(bytes(flipped) + b"\0")
        host.wait(3_000)
    machine.get()
    armed_still = "still armed" if host.poll().mode is Mode.ARMED else "NOT ARMED ANY MORE"
    return len(bins_on(machine.edges())), f"{len(bits)} bits, {armed_still}"


def _from_cuts() -> tuple[int, str]:
    machine = boot("avr", PATIENT)
    host = armed(machine)
    wire = _move(host)
    for size in range(1, len(wire) - 1):
        machine.put(wire[:size] + b"\0")
        host.wait(3_000)
        machine.put(b"\0" + wire[size + 1 :])
        host.wait(3_000)
    machine.get()
    armed_still = "still armed" if host.poll().mode is Mode.ARMED else "NOT ARMED ANY MORE"
    return len(bins_on(machine.edges())), f"{len(wire) - 2} places, {armed_still}"

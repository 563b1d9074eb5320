"""What every machine of sbp/1 keeps to: the Python twin, the core natively, the .hex on simavr."""

from random import Random

import campaign
import pytest
from conversation import Host, armed
from sbp_machines import MUTATIONS, TABLE, Machine, bins_on, boot, with_drop_sensor

from sorter_firmware_bridge.firmware.table import Output, Table
from sorter_firmware_bridge.frames import Frame, encode
from sorter_firmware_bridge.protocol import (
    EventKind,
    Kind,
    Mode,
    Result,
    Why,
    arm_payload,
    move_payload,
    poll_payload,
    read_status,
)

KINDS = ("twin", "native", "avr")
PROGRAMS = ("native", "avr")
COMMANDS = 120
LONG = Table((Output(1, "pulse", 4, on_ms=1500), Output(2, "pulse", 5, 10)), watchdog_ms=500)
PATIENT = Table(TABLE.output, watchdog_ms=60_000)
SECOND_US = 1_000_000


@pytest.fixture(params=KINDS)
def machine(request: pytest.FixtureRequest) -> Machine:
    return boot(request.param)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_through_a_bad_wire_pulses_are_what_was_told(kind: str, seed: int) -> None:
    report = campaign.run(boot(kind), seed, COMMANDS)
    assert min(report.faulty) > 0.3
    assert len(report.orders) == COMMANDS
    assert report.problems() == []


@pytest.mark.parametrize("kind", PROGRAMS)
def test_without_the_duplicate_check_a_bad_wire_moves_twice(kind: str) -> None:
    report = campaign.run(boot(kind, mutation=MUTATIONS[0]), 1, COMMANDS // 3)
    assert any("pulses" in problem for problem in report.problems())


@pytest.mark.parametrize("kind", PROGRAMS)
def test_without_the_watchdog_a_dead_host_leaves_an_output_on(kind: str) -> None:
    assert _on_after_death(kind, MUTATIONS[1]) > LONG.watchdog_ms + 5


@pytest.mark.parametrize("kind", PROGRAMS)
def test_without_the_deadline_check_something_fires_late(kind: str) -> None:
    assert _fired_after_deadline(boot(kind, mutation=MUTATIONS[2])) == [1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_busy_output_misses_a_deadline_and_never_fires_late(kind: str) -> None:
    assert _fired_after_deadline(boot(kind)) == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_host_leaves_everything_safe_within_the_watchdog(kind: str) -> None:
    assert _on_after_death(kind) <= LONG.watchdog_ms + 5


def test_nothing_fires_after_the_watchdog_until_it_is_armed(machine: Machine) -> None:
    host = armed(machine)
    ahead = host.poll().clock_us + 2 * SECOND_US
    assert host.move(1, ahead, ahead + SECOND_US).result is Result.OK
    host.wait(3 * SECOND_US)
    status = host.poll()
    assert (status.mode, status.why) == (Mode.SAFE, Why.WATCHDOG)
    assert [(e.kind, e.detail) for e in status.events] == [(EventKind.MISSED, Why.WATCHDOG)]
    assert host.move(1).result is Result.NOT_ARMED
    host.wait(0.1 * SECOND_US)
    assert machine.edges() == []
    assert host.arm().mode is Mode.ARMED
    assert host.move(1).result is Result.OK
    host.wait(0.1 * SECOND_US)
    assert bins_on(machine.edges()) == [1]


def test_nothing_fires_after_a_reset_until_a_session_is_open_and_armed(machine: Machine) -> None:
    host = armed(machine)
    before = host.hello()
    ahead = host.poll().clock_us + SECOND_US // 2
    host.move(1, ahead, ahead + SECOND_US)
    machine.reset()
    host.seq += 1
    old = Frame(Kind.MOVE, host.session, host.seq, move_payload(0, 1, None, None))
    assert read_status(host.ask(old).payload).result is Result.BAD_SESSION
    host.wait(2 * SECOND_US)
    fresh = Host(machine)
    assert fresh.hello().boot_id != before.boot_id
    assert fresh.open().mode is Mode.DISARMED
    assert fresh.move(1).result is Result.NOT_ARMED
    assert host.say(encode(old)) != []
    host.wait(SECOND_US)
    assert bins_on(machine.edges()) == []


def test_a_command_said_twice_fires_once_and_gets_the_same_answer(machine: Machine) -> None:
    host = armed(machine)
    host.seq += 1
    frame = Frame(Kind.MOVE, host.session, host.seq, move_payload(0, 2, None, None))
    first, second = host.ask(frame), host.ask(frame)
    assert first == second
    host.wait(0.2 * SECOND_US)
    assert bins_on(machine.edges()) == [2]


@pytest.mark.parametrize("step", [0, 2, 7, 65535, 32768])
def test_any_other_number_than_the_next_is_refused(machine: Machine, step: int) -> None:
    host = armed(machine)
    host.move(1)
    seq = (host.seq - 1 if step == 0 else host.seq + step) % 65536
    frame = Frame(Kind.MOVE, host.session, seq, move_payload(0, 2, None, None))
    assert read_status(host.ask(frame).payload).result is Result.BAD_SEQ
    host.wait(0.2 * SECOND_US)
    assert bins_on(machine.edges()) == [1]


def test_a_refusal_uses_up_its_number_and_fires_nothing_when_it_comes_again(
    machine: Machine,
) -> None:
    host = armed(machine)
    far = host.poll().clock_us + 30 * SECOND_US
    depth = host.hello().depth
    for _ in range(depth):
        assert host.move(1, far, far + SECOND_US).result is Result.OK
    host.seq += 1
    full = Frame(Kind.MOVE, host.session, host.seq, move_payload(0, 2, None, None))
    assert read_status(host.ask(full).payload).result is Result.QUEUE_FULL
    host.stop()
    host.arm()
    # The late copy of what was refused finds its number used up.
    assert read_status(host.ask(full).payload).result is Result.BAD_SEQ
    host.wait(0.2 * SECOND_US)
    assert machine.edges() == []


def test_stop_works_in_any_state_and_needs_no_session(machine: Machine) -> None:
    stranger = Host(machine)
    status = stranger.stop()
    assert (status.result, status.mode, status.why) == (Result.OK, Mode.SAFE, Why.STOPPED)
    host = armed(machine)
    ahead = host.poll().clock_us + SECOND_US // 5
    host.move(1, ahead, ahead + SECOND_US)
    assert stranger.stop().result is Result.OK
    assert stranger.stop().result is Result.ALREADY_SAFE
    host.wait(0.4 * SECOND_US)
    assert machine.edges() == []
    assert host.poll().events[0].kind is EventKind.MISSED


def test_a_bin_it_lacks_is_refused(machine: Machine) -> None:
    host = armed(machine)
    assert host.move(9).result is Result.UNKNOWN_BIN
    host.wait(0.1 * SECOND_US)
    assert machine.edges() == []


def test_times_that_cannot_be_are_refused(machine: Machine) -> None:
    host = armed(machine)
    now = host.poll().clock_us
    assert host.move(1, now + 700 * SECOND_US, now + 701 * SECOND_US).result is Result.TOO_FAR
    assert host.move(1, now, now + 1300 * SECOND_US).result is Result.TOO_FAR
    assert host.move(1, now - SECOND_US, now - SECOND_US // 2).result is Result.TOO_LATE
    assert host.move(1, now + 2 * SECOND_US, now + SECOND_US).result is Result.MALFORMED
    host.wait(0.1 * SECOND_US)
    assert machine.edges() == []


@pytest.mark.parametrize(
    ("kind", "payload", "result"),
    [
        (Kind.MOVE, b"", Result.MALFORMED),
        (Kind.MOVE, bytes(12), Result.MALFORMED),
        (Kind.ARM, b"", Result.MALFORMED),
        (Kind.POLL, b"\0", Result.MALFORMED),
        (0x55, b"", Result.UNKNOWN_TYPE),
    ],
)
def test_a_message_that_is_none_is_answered_and_does_nothing(
    machine: Machine, kind: int, payload: bytes, result: Result
) -> None:
    host = Host(machine)
    host.open()
    frame = Frame(kind, host.session, 1, payload)
    status = read_status(host.ask(frame).payload)
    assert (status.result, status.mode) == (result, Mode.DISARMED)


def test_overlapping_pulses_on_one_bin_wait_for_each_other(machine: Machine) -> None:
    host = armed(machine)
    due = host.poll().clock_us + 200_000
    for _ in range(3):
        assert host.move(1, due, due + SECOND_US).result is Result.OK
    assert host.move(2, due, due + SECOND_US).result is Result.OK
    host.wait(0.4 * SECOND_US)
    edges = machine.edges()
    assert sorted(bins_on(edges)) == [1, 1, 1, 2]
    ons = [edge.at_us for edge in edges if edge.bin == 1 and edge.on]
    offs = [edge.at_us for edge in edges if edge.bin == 1 and not edge.on]
    for off, following in zip(offs, ons[1:], strict=False):
        assert following - off >= TABLE.output[0].rest_ms * 1000 - 100
    assert all(9_900 <= off - on <= 11_000 for on, off in zip(ons, offs, strict=True))


def test_the_earlier_due_time_goes_first_whatever_came_first(machine: Machine) -> None:
    host = armed(machine)
    due = host.poll().clock_us + 250_000
    host.move(1, due + 30_000, due + SECOND_US)
    host.move(2, due, due + SECOND_US)
    host.wait(0.4 * SECOND_US)
    assert bins_on(machine.edges()) == [2, 1]


def test_random_bytes_fire_nothing(machine: Machine) -> None:
    host = armed(machine)
    random = Random(3)
    for _ in range(40):
        host.say(random.randbytes(100))
        # In the middle of a frame the delimiter in front makes a fresh start.
        assert host.poll().mode is Mode.ARMED
    assert machine.edges() == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_single_flipped_bit_fires_anything(kind: str) -> None:
    machine = boot(kind, PATIENT)
    host = armed(machine)
    wire = encode(Frame(Kind.MOVE, host.session, host.seq + 1, move_payload(0, 1, None, None)))
    # The first and the last byte are delimiters: without them it is the same command.
    for bit in range(8, 8 * (len(wire) - 1)):
        flipped = bytearray(wire)
        flipped[bit // 8] ^= 1 << bit % 8
        machine.put(bytes(flipped) + b"\0")
        host.wait(3_000)
    machine.get()
    assert host.poll().mode is Mode.ARMED
    assert machine.edges() == []


def test_no_truncated_command_fires_anything(machine: Machine) -> None:
    host = armed(machine)
    wire = encode(Frame(Kind.MOVE, host.session, host.seq + 1, move_payload(0, 1, None, None)))
    for size in range(len(wire) - 1):
        machine.put(wire[:size] + b"\0")
        host.wait(3_000)
        machine.put(b"\0" + wire[len(wire) - size :] if size else b"\0")
        host.wait(3_000)
    assert machine.edges() == []
    # The command itself was never taken, so that its number is still the next.
    machine.get()
    assert host.move(1).result is Result.OK


def test_a_quiet_poll_is_no_sign_of_life(machine: Machine) -> None:
    host = armed(machine)
    for _ in range(8):
        host.wait(0.1 * SECOND_US)
        status = host.poll(alive=False)
    assert (status.mode, status.why) == (Mode.SAFE, Why.WATCHDOG)


def test_what_happened_is_told_until_it_is_acknowledged(machine: Machine) -> None:
    host = armed(machine)
    host.move(1)
    host.wait(50_000)
    assert [e.kind for e in host.poll(0).events] == [EventKind.FIRED]
    assert [e.kind for e in host.poll(0).events] == [EventKind.FIRED]
    # An acknowledgement of more than there is counts for nothing.
    assert [e.kind for e in host.poll(9).events] == [EventKind.FIRED]
    assert host.poll(1).events == ()


def test_unread_events_are_back_pressure_and_none_is_lost(machine: Machine) -> None:
    host = armed(machine)
    accepted = []
    for place in range(60):
        if host.move(1 + place % 4).result is Result.OK:
            accepted.append(host.seq)
        host.wait(4_000)
    assert len(accepted) < 60
    told, expected = [], 0
    while True:
        status = host.poll(expected)
        if not status.events:
            break
        told += [event.seq for event in status.events]
        expected = (status.first + len(status.events)) % 256
    assert sorted(told) == accepted
    assert len(bins_on(machine.edges())) == len(accepted)


def test_a_second_host_that_opens_a_session_makes_the_machine_safe(machine: Machine) -> None:
    first = armed(machine)
    ahead = first.poll().clock_us + SECOND_US // 5
    first.move(1, ahead, ahead + SECOND_US)
    second = Host(machine)
    assert (second.open().mode, second.poll().why) == (Mode.SAFE, Why.SESSION)
    first.seq += 1
    frame = Frame(Kind.POLL, first.session, first.seq, poll_payload(0, True))
    assert read_status(first.ask(frame).payload).result is Result.BAD_SESSION
    first.wait(0.4 * SECOND_US)
    assert machine.edges() == []


def test_a_late_copy_of_an_open_ends_no_session(machine: Machine) -> None:
    host = armed(machine)
    late = Frame(Kind.OPEN, host.session, 0)
    assert read_status(host.ask(late).payload).result is Result.BAD_SESSION
    older = Frame(Kind.OPEN, host.session - 1, 0)
    assert read_status(host.ask(older).payload).result is Result.BAD_SESSION
    assert host.poll().mode is Mode.ARMED


def test_a_sensor_is_told_with_its_time(machine: Machine) -> None:
    host = armed(machine)
    before = host.poll().clock_us
    machine.sensed()
    status = host.poll()
    assert [(e.kind, e.detail, e.seq) for e in status.events] == [(EventKind.SENSOR, 0, 0)]
    assert before <= status.events[0].clock_us <= status.clock_us


def test_sensor_events_without_room_are_counted() -> None:
    machine = boot("native")
    host = Host(machine)
    host.open()
    for _ in range(30):
        machine.sensed()
    status = host.poll()
    assert (status.lost, len(status.events)) == (6, 4)


def test_more_than_its_maximum_is_cut() -> None:
    for kind in ("twin", "native"):
        machine = boot(kind, Table((Output(1, "pulse", 4, on_ms=800),), max_on_ms=800))
        host = armed(machine)
        host.move(1)
        for _ in range(5):
            host.wait(0.2 * SECOND_US)
            host.poll()
        on, off = (edge.at_us for edge in machine.edges())
        assert off - on <= 800_100


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_drop_confirms_the_only_one_that_can_have_dropped(kind: str) -> None:
    machine = boot(kind, with_drop_sensor())
    host = armed(machine)
    host.move(1)
    host.wait(40_000)
    _drop(machine)
    kinds = [event.kind for event in host.poll().events]
    assert kinds == [EventKind.FIRED, EventKind.CONFIRMED]
    host.move(2)
    host.move(3)
    host.wait(40_000)
    _drop(machine)
    # Either may have dropped, so that neither is confirmed.
    events = [(e.kind, e.detail) for e in host.poll(2).events]
    assert events == [(EventKind.FIRED, 2), (EventKind.FIRED, 3), (EventKind.SENSOR, 1)]


def test_fire_times_keep_to_the_schedule(machine: Machine) -> None:
    host = armed(machine)
    clock, off = host.poll().clock_us, []
    dues = [clock + 300_000 + 37_500 * place for place in range(8)]
    for place, due in enumerate(dues):
        assert host.move(1 + place % 4, due, due + 50_000).result is Result.OK
    expected = 0
    fired = {}
    for _ in range(12):
        host.wait(50_000)
        status = host.poll(expected)
        fired |= {event.seq: event.clock_us for event in status.events}
        expected = (status.first + len(status.events)) % 256
    off = [at_us - due for at_us, due in zip(fired.values(), dues, strict=True)]
    assert min(off) >= 0
    assert max(off) <= 1000


def _drop(machine: Machine) -> None:
    if hasattr(machine, "set_pin"):
        machine.set_pin(3, False)
        machine.run(machine.now_us + 1000)
        machine.set_pin(3, True)
        machine.run(machine.now_us + 10_000)
    else:
        machine.drop()  # type: ignore[attr-defined]


def _on_after_death(kind: str, mutation: str | None = None) -> float:
    """Milliseconds from the last word of the host to the output's end; it would be on for 1.5 s."""
    machine = boot(kind, LONG, mutation)
    host = armed(machine)
    assert host.move(1).result is Result.OK
    said_us = machine.now_us
    ahead = host.poll().clock_us + 2 * SECOND_US
    host.move(2, ahead, ahead + SECOND_US)
    said_us = machine.now_us
    host.wait(4 * SECOND_US)
    edges = [edge for edge in machine.edges() if edge.bin == 1]
    assert [edge.on for edge in edges] == [True, False]
    if mutation is None:
        assert bins_on(machine.edges()) == [1]
    return (edges[1].at_us - said_us) / 1000


def _fired_after_deadline(machine: Machine) -> list[int]:
    host = armed(machine)
    due = host.poll().clock_us + 200_000
    host.move(1, due, due + 2_000)
    host.move(1, due + 1_000, due + 3_000)
    host.wait(0.4 * SECOND_US)
    events = host.poll().events
    kinds = [event.kind for event in events]
    if len(bins_on(machine.edges())) == 1:
        assert kinds == [EventKind.FIRED, EventKind.MISSED]
        assert events[1].detail == Why.TOO_LATE
    return bins_on(machine.edges())


def test_arming_again_changes_nothing(machine: Machine) -> None:
    host = armed(machine)
    ahead = host.poll().clock_us + 100_000
    host.move(1, ahead, ahead + SECOND_US)
    assert host.next(Kind.ARM, arm_payload(0)).queued == 1
    host.wait(0.2 * SECOND_US)
    assert bins_on(machine.edges()) == [1]

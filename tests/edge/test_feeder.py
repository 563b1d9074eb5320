"""Whatever feeds items waits while the machine has enough to do."""

import pytest

from edge.errors import ConfigError
from edge.feeder import Feeder
from edge.policy import Backpressure
from sorter_firmware_bridge.bins import Cause, Condition, MachineState, Receipt, ReceiptState


def _waiting(queued: int) -> MachineState:
    return MachineState(Condition.ARMED, "", 1.0, queued)


def _full(feeder: Feeder, queued: int) -> None:
    feeder.told(Receipt(1, ReceiptState.REFUSED, 1.0, Cause.QUEUE_FULL, "full"), queued)


def test_it_pauses_high_and_goes_on_low() -> None:
    feeder = Feeder(Backpressure(pause_at=4, resume_at=1))
    held = [bool(feeder.hold(_waiting(queued))) for queued in (0, 3, 4, 3, 2, 1, 3, 5, 2, 0)]
    assert held == [False, False, True, True, True, False, False, True, True, False]


def test_it_says_how_many_wait_and_when_it_goes_on() -> None:
    assert Feeder(Backpressure(4, 1)).hold(_waiting(6)) == (
        "6 commands are waiting; it goes on at 1"
    )


def test_a_machine_that_says_it_is_full_is_given_a_rest() -> None:
    feeder = Feeder(None)
    assert not feeder.hold(_waiting(8))
    _full(feeder, 8)
    assert feeder.hold(_waiting(8))
    assert not feeder.hold(_waiting(7))
    assert not feeder.hold(_waiting(8))


def test_a_machine_that_is_full_while_nothing_waits_is_asked_again() -> None:
    feeder = Feeder(None)
    _full(feeder, 0)
    assert not feeder.hold(_waiting(0))


def test_feeding_needs_a_machine_that_is_armed_and_bins_with_room() -> None:
    feeder = Feeder(Backpressure(4, 1))
    assert feeder.feeding(_waiting(0), "").ok
    assert feeder.feeding(None, "").reason == "the machine does not answer"
    safe = MachineState(Condition.SAFE, "jam", 1.0, 0)
    assert feeder.feeding(safe, "").reason == "the machine is safe"
    assert feeder.feeding(_waiting(0), "bin 3 is full").reason == "bin 3 is full"
    assert not feeder.feeding(_waiting(4), "").ok


@pytest.mark.parametrize(("pause_at", "resume_at"), [(0, 0), (4, 4), (4, -1), (2000, 0)])
def test_a_pause_that_never_ends_is_refused(pause_at: int, resume_at: int) -> None:
    with pytest.raises(ConfigError, match=r"feeder\."):
        Backpressure(pause_at, resume_at)

"""A machine that takes its time to open is in nobody's way."""

import threading

import pytest

from edge.machine import Machine
from edge.opening import Opening
from edge.worker import Worker
from sorter_firmware_bridge.bins import Bin, Condition
from sorter_firmware_bridge.drivers import Driver
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver
from sorter_firmware_bridge.errors import DriverClosed, MachineUnavailable

BINS = (Bin(1, "plates"),)
WAIT_S = 20.0


class Slow:
    """A machine that opens when a test lets it."""

    def __init__(self) -> None:
        self.may_open = threading.Event()
        self.asked = threading.Event()
        self.calls = 0
        self.driver = SimulatedDriver(BINS)
        self.error: MachineUnavailable | None = None

    def open(self) -> Driver:
        self.calls += 1
        self.asked.set()
        assert self.may_open.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        return self.driver


def _ignore(name: str, error: Exception) -> None:
    raise AssertionError(f"{name}: {error}")


@pytest.fixture
def slow() -> Slow:
    return Slow()


def test_beats_go_on_while_it_opens_and_it_is_there_afterwards(slow: Slow) -> None:
    opening = Opening(slow.open)
    worker = Worker("opening", opening.step, _ignore, opening.close)
    worker.start()
    machine = Machine(opening.take, arm_at_start=True)
    machine.beat(0.0)
    assert slow.asked.wait(WAIT_S)
    for beat in range(5):
        machine.beat(float(beat))
        assert machine.state is None
        assert machine.problem == "it is being opened"
    slow.may_open.set()
    # The worker ends only after the round in which the machine was opened.
    worker.stop()
    assert worker.join(WAIT_S)
    assert slow.calls == 1
    with pytest.raises(DriverClosed):
        slow.driver.state()


def test_why_it_did_not_open_is_raised_once_and_then_it_is_tried_again(slow: Slow) -> None:
    opening = Opening(slow.open)
    slow.error = MachineUnavailable("nothing answers")
    slow.may_open.set()
    assert opening.take() is None
    opening.step()
    with pytest.raises(MachineUnavailable, match="nothing answers"):
        opening.take()
    slow.error = None
    assert opening.take() is None
    opening.step()
    assert opening.take() is slow.driver


def test_what_opened_and_nobody_took_is_closed(slow: Slow) -> None:
    opening = Opening(slow.open)
    slow.may_open.set()
    opening.take()
    opening.step()
    opening.close()
    with pytest.raises(DriverClosed):
        slow.driver.state()


def test_a_machine_opened_in_the_background_can_be_armed(slow: Slow) -> None:
    opening = Opening(slow.open)
    slow.may_open.set()
    machine = Machine(opening.take)
    machine.beat(0.0)
    opening.step()
    machine.beat(0.1)
    machine.arm(0.2)
    assert machine.state is not None
    assert machine.state.condition is Condition.ARMED

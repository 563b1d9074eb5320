"""Early, late and lost."""

import math

import pytest

from edge.arrival import Arrival, Arrivals, Drop, Window, arrival
from edge.errors import ConfigError
from sorter_firmware_bridge.bins import Receipt, ReceiptState

WINDOW = Window(earliest_s=0.25, latest_s=1.0, lost_s=3.0)


@pytest.mark.parametrize(
    ("fired_s", "confirmed_s", "confirms", "clock_s", "expected"),
    [
        (None, None, True, 50, Arrival.WAITING),
        (10, None, True, 12, Arrival.WAITING),
        (10, None, True, 13, Arrival.WAITING),
        (10, None, True, 13.1, Arrival.LOST),
        (10, None, False, 50, Arrival.UNSEEN),
        (10, 10.1, True, 11, Arrival.EARLY),
        (10, 10.25, True, 11, Arrival.ON_TIME),
        (10, 11.0, True, 11, Arrival.ON_TIME),
        (10, 11.1, True, 12, Arrival.LATE),
        (10, 14.0, True, 14, Arrival.LATE),
    ],
)
def test_a_drop_is_where_it_is_in_its_window(
    fired_s: float | None,
    confirmed_s: float | None,
    confirms: bool,
    clock_s: float,
    expected: Arrival,
) -> None:
    assert arrival(Drop(fired_s, confirmed_s), WINDOW, confirms, clock_s) is expected


def _told(arrivals: Arrivals, command_id: int, state: ReceiptState, clock_s: float | None) -> None:
    arrivals.told(Receipt(command_id, state, clock_s), confirms=True)


def test_a_drop_that_is_not_seen_shifts_no_other_item() -> None:
    arrivals = Arrivals(WINDOW)
    _told(arrivals, 1, ReceiptState.FIRED, 10.0)
    _told(arrivals, 2, ReceiptState.FIRED, 11.0)
    _told(arrivals, 2, ReceiptState.CONFIRMED, 11.5)
    counted = arrivals.counted(20.0)
    assert (counted[Arrival.LOST], counted[Arrival.ON_TIME]) == (1, 1)
    # What was given up and drops after all is late, and lost no longer.
    _told(arrivals, 1, ReceiptState.CONFIRMED, 20.0)
    counted = arrivals.counted(20.0)
    assert (counted[Arrival.LOST], counted[Arrival.LATE]) == (0, 1)


def test_a_proof_of_something_that_was_never_moved_counts_nothing() -> None:
    arrivals = Arrivals(WINDOW)
    _told(arrivals, 7, ReceiptState.CONFIRMED, 3.0)
    _told(arrivals, 8, ReceiptState.MISSED, 3.0)
    assert sum(arrivals.counted(100.0).values()) == 0


def test_on_a_machine_without_a_sensor_nothing_is_lost() -> None:
    arrivals = Arrivals(WINDOW)
    arrivals.told(Receipt(1, ReceiptState.FIRED, 10.0), confirms=False)
    assert arrivals.counted(100.0)[Arrival.UNSEEN] == 1
    assert arrivals.counted(100.0)[Arrival.LOST] == 0


def test_what_was_lost_stays_counted_when_the_machine_is_found_again() -> None:
    arrivals = Arrivals(WINDOW)
    _told(arrivals, 1, ReceiptState.FIRED, 10.0)
    assert arrivals.counted(20.0)[Arrival.LOST] == 1
    arrivals.forget()
    assert arrivals.counted(0.0)[Arrival.LOST] == 1


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"earliest_s": -1.0}, "earliest_s"),
        ({"earliest_s": 2.0}, "latest_s"),
        ({"lost_s": 0.5}, "lost_s"),
        ({"lost_s": math.nan}, "lost_s"),
    ],
)
def test_a_window_that_cannot_be_is_refused(values: dict[str, float], key: str) -> None:
    with pytest.raises(ConfigError, match=rf"drop\.{key}"):
        Window(**values)

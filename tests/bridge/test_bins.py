"""Bins, commands and what may follow what."""

import math

import pytest

from sorter_firmware_bridge.bins import Bin, Command, ReceiptState, check_bins
from sorter_firmware_bridge.errors import BinError, BridgeError


@pytest.mark.parametrize("number", [-1, 256, 1.0, True, "1", None])
def test_a_bin_number_out_of_range_is_refused(number: object) -> None:
    with pytest.raises(BinError, match=r"expected 0\.\.255"):
        Bin(number, "plates")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 41, 3])
def test_a_bin_name_nobody_can_read_is_refused(name: object) -> None:
    with pytest.raises(BinError, match="printable"):
        Bin(1, name)  # type: ignore[arg-type]


def test_two_bins_cannot_share_a_number_or_a_name() -> None:
    with pytest.raises(BinError, match="number 1"):
        check_bins([Bin(1, "a"), Bin(1, "b")])
    with pytest.raises(BinError, match="name 'plates'"):
        check_bins([Bin(1, "Plates"), Bin(2, "plates")])
    with pytest.raises(BinError, match="at least one"):
        check_bins([])
    check_bins([Bin(1, "a"), Bin(2, "b")])


@pytest.mark.parametrize("command_id", [0, -1, 2**32, 1.5, True])
def test_a_command_id_out_of_range_is_refused(command_id: object) -> None:
    with pytest.raises(BinError, match="command id"):
        Command(command_id, Bin(1, "a"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("due_s", "deadline_s"), [(1.0, None), (1.0, 0.9), (math.nan, 1.0), (1.0, math.inf)]
)
def test_a_due_time_needs_a_deadline_that_fits(due_s: float, deadline_s: float | None) -> None:
    with pytest.raises(BinError, match="deadline"):
        Command(1, Bin(1, "a"), due_s, deadline_s)


def test_only_an_accepted_command_fires_and_only_a_fired_one_is_confirmed() -> None:
    pairs = {(a, b) for a in ReceiptState for b in ReceiptState if a.may_become(b)}
    accepted, fired = ReceiptState.ACCEPTED, ReceiptState.FIRED
    assert pairs == {
        (accepted, fired),
        (accepted, ReceiptState.MISSED),
        (accepted, ReceiptState.UNKNOWN),
        (fired, ReceiptState.CONFIRMED),
    }
    assert {state for state in ReceiptState if not state.ends} == {accepted, fired}


def test_errors_are_ours_and_a_builtin() -> None:
    assert issubclass(BinError, BridgeError)
    assert issubclass(BinError, ValueError)

"""What went wrong waits until a person has seen it."""

from edge.faults import FaultKind, Faults, refusal, waiting
from sorter_firmware_bridge.bins import Cause, Condition, MachineState, Receipt, ReceiptState

ARMED = MachineState(Condition.ARMED, "", 1.0, 0)


def safe(reason: str) -> MachineState:
    return MachineState(Condition.SAFE, reason, 2.0, 0)


def receipt(state: ReceiptState, cause: Cause, number: int = 7) -> Receipt:
    return Receipt(number, state, 1.0, cause, "as it says")


def kinds(faults: Faults) -> list[FaultKind]:
    return [fault.kind for fault in faults.current]


def test_a_machine_that_makes_itself_safe_is_a_fault_once() -> None:
    faults = Faults()
    for state in (ARMED, safe("watchdog"), safe("watchdog"), safe("watchdog")):
        faults.machine(state, None, 10.0)
    assert kinds(faults) == [FaultKind.SAFE]
    assert "watchdog" in faults.current[0].text
    assert faults.waiting == 1


def test_a_stop_by_a_person_is_none() -> None:
    faults = Faults()
    faults.machine(ARMED, None, 10.0)
    faults.machine(safe("STOP was pressed on the page"), None, 11.0, by_person=True)
    faults.machine(safe("STOP was pressed on the page"), None, 12.0)
    faults.receipt(receipt(ReceiptState.MISSED, Cause.STOPPED), 12.0)
    assert faults.current == ()


def test_one_that_was_safe_when_it_was_found_is_a_fault() -> None:
    faults = Faults()
    faults.machine(safe("a jam"), None, 10.0)
    assert kinds(faults) == [FaultKind.JAM]


def test_a_machine_that_was_never_there_is_not_lost() -> None:
    faults = Faults()
    faults.machine(None, "it is being opened", 1.0)
    faults.machine(None, "no port", 2.0)
    assert faults.current == ()
    faults.machine(ARMED, None, 3.0)
    faults.machine(None, "the cable is out", 4.0)
    faults.machine(None, "no port", 5.0)
    assert kinds(faults) == [FaultKind.LOST]
    assert "the cable is out" in faults.current[0].text


def test_receipts_that_end_badly_are_faults_by_their_kind() -> None:
    faults = Faults()
    faults.receipt(receipt(ReceiptState.MISSED, Cause.TOO_LATE), 1.0)
    faults.receipt(receipt(ReceiptState.MISSED, Cause.JAM), 2.0)
    faults.receipt(receipt(ReceiptState.REFUSED, Cause.UNKNOWN_BIN), 3.0)
    faults.receipt(receipt(ReceiptState.UNKNOWN, Cause.NO_ANSWER), 4.0)
    for state in (ReceiptState.ACCEPTED, ReceiptState.FIRED, ReceiptState.CONFIRMED):
        faults.receipt(receipt(state, Cause.NONE), 5.0)
    faults.receipt(receipt(ReceiptState.REFUSED, Cause.QUEUE_FULL), 6.0)
    expected = [FaultKind.UNKNOWN, FaultKind.REFUSED, FaultKind.JAM, FaultKind.MISSED]
    assert kinds(faults) == expected


def test_who_saw_it_first_is_kept() -> None:
    faults = Faults()
    faults.receipt(receipt(ReceiptState.MISSED, Cause.TOO_LATE), 1.0)
    number = faults.current[0].number
    faults.acknowledge({number, 99}, "tess", 5.0)
    faults.acknowledge({number}, "ada", 6.0)
    (fault,) = faults.current
    assert (fault.seen_by, fault.seen_at_s) == ("tess", 5.0)
    assert faults.waiting == waiting(faults.current) == 0


def test_what_happens_again_before_anybody_looked_is_one_with_a_new_number() -> None:
    faults = Faults()
    for command in range(1, 1001):
        faults.receipt(receipt(ReceiptState.MISSED, Cause.TOO_LATE, command), float(command))
    (fault,) = faults.current
    assert (fault.times, fault.at_s) == (1000, 1000.0)
    assert "Command 1000 " in fault.text
    # Who looked at the one before has not seen this.
    faults.acknowledge({fault.number - 1}, "tess", 1001.0)
    assert faults.waiting == 1


def test_what_happens_after_it_was_seen_is_another() -> None:
    faults = Faults()
    for _ in range(2):
        faults.receipt(receipt(ReceiptState.MISSED, Cause.TOO_LATE), 1.0)
        faults.acknowledge({fault.number for fault in faults.current}, "tess", 2.0)
    assert [fault.times for fault in faults.current] == [1, 1]


def test_a_machine_full_of_words_fills_nothing() -> None:
    faults = Faults(kept=5)
    for number in range(50):
        faults.machine(ARMED, None, 1.0)
        faults.machine(safe(f"{number} <b>" + "x" * 10_000), None, 2.0)
    assert len(faults.current) == 5
    assert faults.waiting == 5
    assert all(len(fault.text) <= 400 for fault in faults.current)


def test_those_that_were_seen_give_way_first() -> None:
    faults = Faults(kept=2)
    faults.receipt(receipt(ReceiptState.MISSED, Cause.TOO_LATE), 1.0)
    faults.receipt(receipt(ReceiptState.REFUSED, Cause.UNKNOWN_BIN), 2.0)
    faults.acknowledge({faults.current[0].number}, "tess", 3.0)
    faults.receipt(receipt(ReceiptState.UNKNOWN, Cause.NO_ANSWER), 4.0)
    assert kinds(faults) == [FaultKind.UNKNOWN, FaultKind.MISSED]


def test_the_refusal_counts() -> None:
    assert refusal(1).startswith("1 fault waits")
    assert refusal(3).startswith("3 faults wait")

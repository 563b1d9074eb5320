"""A journal that cannot be written: nothing is sent, the machine is safe, the rest goes on."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pipeline_rig import Rig, scene

from edge.board import ArmRequest, EmptyBinRequest
from edge.bundle import Bundle
from edge.errors import ForeignReceipt, JournalError
from edge.journal import Journal, JournalSettings, Outcome
from edge.journal_reader import JournalReader
from sorter_firmware_bridge.bins import Condition, Receipt, ReceiptState


@pytest.fixture
def rig(tmp_path: Path, shipped: Bundle) -> Iterator[Rig]:
    made = Rig(tmp_path, shipped)
    yield made
    made.pipeline.close()


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    """No file may become larger than the journal's is: its next write really fails."""
    size = path.with_name(f"{path.name}-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def condition(rig: Rig) -> Condition:
    assert rig.shown.machine is not None
    return rig.shown.machine.condition


def test_without_room_nothing_is_sent_and_the_machine_is_safe(rig: Rig) -> None:
    rig.item(20)
    rig.run(1)
    with no_room(rig.path):
        rig.item(90)
        rig.run(1)
        assert rig.fired == [1]
        assert condition(rig) is Condition.SAFE
        assert rig.shown.machine is not None
        assert rig.shown.machine.reason == "the journal cannot be written"
        assert "its free space" in (rig.shown.machine_problem or "")
        assert "1 item was seen since, and not moved" in (rig.shown.machine_problem or "")
        seen = rig.shown.frames_seen
        rig.step(scene(160))
        assert rig.shown.frames_seen == seen + 1
    assert rig.balance().seen == 1


def test_nothing_arms_until_there_is_room_and_then_a_person_does(rig: Rig) -> None:
    rig.item(20)
    rig.run(1)
    with no_room(rig.path):
        rig.item(90)
        rig.requests.put(ArmRequest())
        rig.step()
        assert condition(rig) is Condition.SAFE
    rig.run(3)
    assert rig.shown.machine_problem is None
    assert condition(rig) is Condition.SAFE
    rig.acknowledge()
    rig.requests.put(ArmRequest())
    rig.item(160)
    rig.run(1)
    assert condition(rig) is Condition.ARMED
    assert rig.fired == [1, 2]
    assert (rig.balance().seen, rig.balance().confirmed) == (2, 2)


def test_what_the_machine_said_meanwhile_is_written_first(rig: Rig) -> None:
    rig.item(20)
    assert rig.newest().outcome is Outcome.PENDING
    with no_room(rig.path):
        rig.run(1)
        assert rig.fired == [1]
        assert rig.journal.recent(1)[0].outcome is Outcome.PENDING
    rig.run(3)
    assert rig.newest().outcome in (Outcome.FIRED, Outcome.CONFIRMED)
    rig.pipeline.close()
    with JournalReader(rig.path) as reader:
        assert reader.verify().problem is None
        assert reader.balance().reconciles


def test_a_bin_is_not_emptied_where_that_cannot_be_written(rig: Rig) -> None:
    rig.item(20)
    rig.run(1)
    with no_room(rig.path):
        rig.requests.put(EmptyBinRequest(1))
        rig.step()
        assert rig.shown.line.contents == {1: 1}
        assert condition(rig) is Condition.SAFE


def test_what_waits_at_the_end_is_unknown_at_the_next_start(
    tmp_path: Path, shipped: Bundle
) -> None:
    rig = Rig(tmp_path, shipped)
    rig.item(20)
    with no_room(rig.path), pytest.raises(JournalError):
        rig.pipeline.close()
    with Journal(JournalSettings(rig.path), 0.0) as journal:
        assert journal.interrupted == 1
        assert journal.balance().unknown == 1


def test_a_machine_that_obeys_somebody_else_is_stopped(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.run(1)
    foreign = (Receipt(77, ReceiptState.FIRED, 1.0),)
    with pytest.raises(ForeignReceipt):
        rig.journal.record_receipt(foreign[0], 0.0)
    with monkeypatch.context() as once:
        once.setattr(rig.driver, "receipts", lambda: foreign)
        rig.step()
    rig.step()
    assert condition(rig) is Condition.SAFE
    assert rig.shown.machine is not None
    assert "command 77" in rig.shown.machine.reason
    assert rig.shown.machine_problem is None

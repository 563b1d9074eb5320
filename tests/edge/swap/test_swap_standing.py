"""The record of the live model: one rename, and nothing half."""

import json
import os
from pathlib import Path

import pytest

from edge.errors import SwapError, SwapLost
from edge.swap.places import CONFIGURED
from edge.swap.standing import Entry, Record, Standing

NEW = Entry(id="new", name="new", seal="n" * 64)
NEWER = Entry(id="newer", name="newer", seal="m" * 64)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "journal.live-model.json", "")


def test_without_a_record_the_configured_model_is_live(record: Record) -> None:
    assert record.read().live.id == CONFIGURED
    assert record.read().previous is None
    assert not record.path.exists()


def test_a_swap_can_be_read_again(record: Record) -> None:
    record.change(lambda now: now.swapped(NEW, "ada", 5.0))
    found = Record(record.path, "").read()
    assert (found.live, found.previous, found.by, found.at_s) == (NEW, Entry(), "ada", 5.0)


def test_a_rollback_goes_to_the_model_before_and_then_to_the_configured_one() -> None:
    standing = Standing().swapped(NEW, "ada", 1.0).swapped(NEWER, "ada", 2.0).with_starts(2)
    once = standing.rolled_back("tess", 3.0)
    assert (once.live, once.previous, once.starts) == (NEW, Entry(), 0)
    twice = once.rolled_back("tess", 4.0)
    assert (twice.live, twice.previous) == (Entry(), None)
    with pytest.raises(SwapError, match="no model to go back to"):
        twice.rolled_back("tess", 5.0)


def test_other_settings_are_right_and_the_swap_is_forgotten(record: Record) -> None:
    record.change(lambda now: now.swapped(NEW, "ada", 5.0))
    found = Record(record.path, "/models/mine").read()
    assert found.live.id == CONFIGURED
    assert found.previous is None
    assert "settings name another model" in found.notice


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 2}',
        b'{"live": {"id": 5}}',
        b'{"starts": -1}',
        b'{"wheels": 4}',
        b"\xff\xfe",
        b"[" * 60_000,
        b" " * 70_000,
    ],
)
def test_a_record_that_is_none_of_ours_is_refused_by_name(record: Record, content: bytes) -> None:
    record.path.write_bytes(content)
    with pytest.raises(SwapLost, match="remove it to run the model of the settings"):
        record.read()
    with pytest.raises(SwapLost):
        record.change(lambda now: now.swapped(NEW, "ada", 5.0))
    assert record.path.read_bytes() == content


def test_nothing_is_written_where_nothing_changes(record: Record) -> None:
    record.change(lambda now: now)
    assert not record.path.exists()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_record(
    record: Record, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    record.change(lambda now: now.swapped(NEW, "ada", 5.0))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(SwapLost, match="No space left"):
        record.change(lambda now: now.swapped(NEWER, "ada", 6.0))
    assert record.read().live == NEW


def test_what_a_dying_swap_left_beside_is_no_record(record: Record) -> None:
    record.change(lambda now: now.swapped(NEW, "ada", 5.0))
    beside = record.path.with_name(f"{record.path.name}.new")
    beside.write_text('{"format"')
    assert record.read().live == NEW
    record.change(lambda now: now.swapped(NEWER, "ada", 6.0))
    assert record.read().live == NEWER
    assert not beside.exists()


def test_the_record_is_plain_json_for_a_person(record: Record) -> None:
    record.change(lambda now: now.swapped(NEW, "ada", 5.0))
    assert json.loads(record.path.read_text())["live"]["id"] == "new"

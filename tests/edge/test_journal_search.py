"""Items by what is asked for, page by page: always as a plain look through all of them finds."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from builders import LABELS, make_item, make_prediction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.decision import Facts, Reason, SortDecision
from edge.domain import Label
from edge.errors import JournalError
from edge.journal import Journal, JournalSettings
from edge.journal_reader import JournalReader
from edge.journal_search import Filters, Found, JournalSearch, Page
from sorter_firmware_bridge.bins import Bin, Cause, Condition, MachineState, Receipt, ReceiptState

BINS = (Bin(1, "bricks"), Bin(2, "plates"))
FACTS = Facts(
    machine=MachineState(Condition.ARMED, "", 7.0, 0),
    bins=BINS,
    labels=LABELS,
    model_sha256="m" * 64,
    thresholds=(0.5, 0.5, 0.5, 0.5),
)
START_S = 1_700_000_000.0


def decision(labels: tuple[Label, ...], target: Bin | None, reason: Reason) -> SortDecision:
    return SortDecision(
        item=make_item(make_prediction(), labels=labels),
        target=target,
        label=labels[0] if labels else None,
        reason=reason,
        explanation="as it is",
        alternatives=(),
        decided_at_s=100.0,
        due_s=None,
        deadline_s=None,
        model_sha256="m" * 64,
        policy_sha256="b" * 64,
    )


def fill(journal: Journal, count: int) -> None:
    """Items of all kinds, seen ten seconds apart, but for a clock that was once set back."""
    for n in range(count):
        labels = [(), LABELS[:1], LABELS[1:3], LABELS[:2]][n % 4]
        target = [None, *BINS][n % 3]
        reason = [Reason.SORTED, Reason.NO_LABEL, Reason.SEVERAL_LABELS][n % 3 if n % 5 else 0]
        seen_at_s = START_S + 10 * (n if n % 17 else n - 200)
        command_id = journal.record_decision(decision(labels, target, reason), seen_at_s, FACTS)
        if command_id is not None and n % 2:
            journal.record_receipt(Receipt(command_id, ReceiptState.FIRED, 1.0), seen_at_s + 0.5)
        if n % 2:
            journal.record_frame(journal.last_item, f"{n:064x}", 100)


def ids(page: Page) -> list[int]:
    return [one.entry.item_id for one in page.items]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("search") / "journal.sqlite"
    with Journal(JournalSettings(path), START_S) as journal:
        fill(journal, 90)
        yield path


def passes(one: Found, filters: Filters) -> bool:
    """The same filters, asked of one item."""
    entry = one.entry
    return all(
        [
            filters.bin_number in (None, entry.bin.number if entry.bin else None),
            filters.moved in (None, entry.bin is not None),
            filters.reason in (None, entry.reason),
            filters.label_id is None or filters.label_id in entry.label_ids,
            filters.from_s is None or entry.seen_at_s >= filters.from_s,
            filters.to_s is None or entry.seen_at_s < filters.to_s,
            filters.among is None or entry.item_id in filters.among,
        ]
    )


TIMES = st.none() | st.integers(-250, 950).map(lambda s: START_S + s)
FILTERS = st.builds(
    Filters,
    bin_number=st.sampled_from([None, None, 1, 2, 9]),
    moved=st.sampled_from([None, None, True, False]),
    reason=st.sampled_from([None, None, "sorted", "no_label", "too_late"]),
    label_id=st.sampled_from([None, None, "3001", "3020", "x"]),
    from_s=TIMES,
    to_s=TIMES,
    among=st.none() | st.lists(st.integers(0, 95), max_size=40).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(filters=FILTERS, limit=st.integers(1, 20), indexed=st.booleans())
def test_pages_are_what_a_look_through_all_items_finds(
    filled: Path, filters: Filters, limit: int, indexed: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch, JournalSearch(filled) as search:
        if not indexed:
            patch.setattr("edge.journal_query.searchable", lambda _: False)
        every = [*search.page(Filters(), limit=200).items]
        wanted = [one for one in every if passes(one, filters)]
        found: list[Found] = []
        page = search.page(filters, limit=limit)
        assert not page.newer
        while page.items:
            found += page.items
            assert page.older == (len(found) < len(wanted))
            page = search.page(filters, limit=limit, before=found[-1].entry.item_id)
        assert found == wanted
        if len(wanted) > limit:
            last = wanted[-1].entry.item_id
            back = search.page(filters, limit=limit, after=last)
            assert [*back.items] == wanted[-1 - limit : -1]
            assert back.older
            assert back.newer == (len(wanted) > limit + 1)
        for newer, one, older in zip([None, *wanted], wanted, [*wanted[1:], None], strict=False):
            beside = tuple(other and other.entry.item_id for other in (newer, older))
            assert search.neighbours(filters, one.entry.item_id) == beside


def test_an_item_is_given_whole(filled: Path) -> None:
    with JournalSearch(filled) as search:
        found = search.item(6)
        assert found is not None
        assert found.record.bin == BINS[1]
        assert found.picture_sha256 == f"{5:064x}"
        assert [told.state for told in found.told] == ["fired"]
        assert found.model is not None
        assert found.model.labels == LABELS
        assert {link.kind for link in found.links} == {
            "item",
            "evidence",
            "intent",
            "receipt",
            "frame",
        }
        assert all(link.unchanged for link in found.links)
        assert found.links[-1].n < found.records
        assert search.item(0) is None
        assert search.item(91) is None
        with JournalReader(filled) as reader:
            assert all(reader.has_record(link.hash) for link in found.links)


def test_pictures_around_an_item(filled: Path) -> None:
    with JournalSearch(filled) as search:
        assert sorted(search.around(10, 2)) == [6, 8, 12, 14]
        assert sorted(search.around(1, 1)) == [2]


def test_what_was_changed_shows(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(JournalSettings(path), START_S) as journal:
        fill(journal, 3)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER intents_stay")
        db.execute("UPDATE intents SET bin_name = 'elsewhere'")
    with JournalSearch(path) as search:
        found = search.item(2)
    assert found is not None
    assert [link.kind for link in found.links if not link.unchanged] == ["intent"]


def test_pruned_items_are_found_no_more(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(JournalSettings(path, max_rows=100), START_S) as journal:
        for n in range(130):
            done = decision(LABELS[:1], None, Reason.WATCHED)
            journal.record_decision(done, START_S + n, FACTS)
        with JournalSearch(path) as search:
            left = ids(search.page(Filters(label_id="3001"), limit=200))
    assert left == list(range(130, 130 - len(left), -1))
    assert len(left) <= 100
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM recognised").fetchone() == (len(left),)


def test_a_journal_of_before_is_made_searchable_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(JournalSettings(path), START_S) as journal:
        fill(journal, 12)
    with closing(sqlite3.connect(path)) as db, db:
        for what in ("TRIGGER items_recognised", "TRIGGER items_forgotten", "TABLE recognised"):
            db.execute(f"DROP {what}")
        for index in ("items_seen", "items_reasons", "intents_bins"):
            db.execute(f"DROP INDEX {index}")
    with JournalSearch(path) as search:
        before = ids(search.page(Filters(label_id="3003")))
    Journal(JournalSettings(path), START_S).close()
    with JournalSearch(path) as search:
        assert ids(search.page(Filters(label_id="3003"))) == before
        assert len(before) == 6
    with JournalReader(path) as reader:
        assert reader.verify().problem is None


def test_every_page_is_walked_along_an_index(filled: Path) -> None:
    asked = [
        Filters(),
        Filters(bin_number=1),
        Filters(reason="sorted"),
        Filters(label_id="3001"),
        Filters(reason="sorted", label_id="3001", bin_number=1, from_s=START_S),
    ]
    with JournalSearch(filled) as search:
        plans: list[str] = []
        search._db.set_trace_callback(plans.append)
        for filters in asked:
            search.page(filters, limit=5, before=80)
        search._db.set_trace_callback(None)
        for plan in (plan for plan in plans if "FROM entries" not in plan):
            for row in search._db.execute(f"EXPLAIN QUERY PLAN {plan}").fetchall():
                assert "TEMP B-TREE" not in row["detail"], plan


def test_a_running_device_hinders_nobody_who_looks(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(JournalSettings(path), START_S) as journal:
        fill(journal, 5)
        with journal._writer.writing(), JournalSearch(path) as search:
            assert len(search.page(Filters()).items) == 5


@pytest.mark.parametrize("content", [None, b"", b"no journal, but some text that is long" * 20])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "journal.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JournalError, match="journal"):
        JournalSearch(path)


def test_damage_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(JournalSettings(path), START_S) as journal:
        fill(journal, 200)
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(JournalError), JournalSearch(path) as search:
        search.page(Filters(), limit=200)


def test_a_receipt_keeps_its_cause(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(JournalSettings(path), START_S) as journal:
        command_id = journal.record_decision(
            decision(LABELS[:1], BINS[0], Reason.SORTED), START_S, FACTS
        )
        assert command_id is not None
        accepted = Receipt(command_id, ReceiptState.ACCEPTED, 1.5)
        journal.record_receipt(accepted, START_S + 0.1)
        missed = replace(
            accepted, state=ReceiptState.MISSED, cause=Cause.NO_ANSWER, reason="<b>jam</b>"
        )
        journal.record_receipt(missed, START_S + 0.9)
    with JournalSearch(path) as search:
        found = search.item(1)
    assert found is not None
    assert [(told.state, told.clock_s, told.reason) for told in found.told] == [
        ("accepted", 1.5, ""),
        ("missed", 1.5, "<b>jam</b>"),
    ]
    assert found.told[1].cause == Cause.NO_ANSWER

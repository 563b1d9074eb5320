"""What other settings would have made of the last items."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

# The rig of tests/edge, also where only this folder is run.
sys.path.insert(0, str(Path(__file__).parents[1]))

from pipeline_rig import BINS, BRICKS, REST, REVIEW, SORTED_INDEX, Rig

from edge.board import EmptyBinRequest
from edge.bundle import Bundle, with_thresholds
from edge.decision import Mode, Policy, Reason, Route
from edge.journal_reader import JournalReader, Mark, Record
from edge.manual import BeginByHand, MoveByHand
from edge.region import Region
from edge.tuning.preview import preview
from edge.tuning.settings import Checked

OTHER_INDEX = 9


def settings(shipped: Bundle, **changes: object) -> Checked:
    values: dict[str, object] = {
        "mode": Mode.SINGLE,
        "bins": BINS,
        "routes": (Route(shipped.labels[SORTED_INDEX].id, BRICKS.name),),
        "unknown_bin": REST.name,
        "review_bin": REVIEW.name,
    }
    shares = zip(shipped.labels, shipped.thresholds, strict=True)
    return Checked(
        Policy(**{**values, **changes}),  # type: ignore[arg-type]
        {label.id: float(share) for label, share in shares},
        Region(),
    )


def with_threshold(checked: Checked, label_id: str, share: float) -> Checked:
    return replace(checked, thresholds={**checked.thresholds, label_id: share})


@pytest.fixture
def rig(tmp_path: Path, shipped: Bundle) -> Iterator[Rig]:
    """Three to bin 1 at 95 %, one that is not recognised, one for a person with two at 95 %."""
    made = Rig(tmp_path, shipped)
    for number, present in enumerate([(SORTED_INDEX,)] * 3 + [(), (SORTED_INDEX, 8)]):
        made.item(20 + 35 * number, present)
        made.run(0.5)
    yield made
    made.pipeline.close()


def test_the_same_settings_change_nothing(rig: Rig, shipped: Bundle) -> None:
    now = settings(shipped)
    found = preview(rig.path, now, now)
    assert found.before == found.after
    assert found.before.bins == {BRICKS: 3, REST: 1, REVIEW: 1}
    assert (found.elsewhere, found.reworded, found.without_evidence) == ((), 0, 0)


def test_a_threshold_above_what_was_seen_makes_it_unknown(rig: Rig, shipped: Bundle) -> None:
    now = settings(shipped)
    label_id = shipped.labels[SORTED_INDEX].id
    found = preview(rig.path, now, with_threshold(now, label_id, 0.97))
    # Three are not recognised any more; of the two at once one is left, with no lead.
    assert found.after.reasons[Reason.NO_LABEL] == 4
    assert found.after.reasons[Reason.SMALL_MARGIN] == found.reworded == 1
    assert [one.record.item_id for one in found.elsewhere] == [3, 2, 1]
    assert [one.after.target for one in found.elsewhere] == [REST] * 3
    assert found.before.review_rate == found.after.review_rate == pytest.approx(0.2)


def test_a_threshold_below_what_was_seen_recognises_it(rig: Rig, shipped: Bundle) -> None:
    now = settings(shipped)
    label_id = shipped.labels[OTHER_INDEX].id
    found = preview(rig.path, now, with_threshold(now, label_id, 0.005))
    # At 1 % everywhere, it is now present in every item.
    assert found.after.reasons[Reason.SEVERAL_LABELS] == 4
    assert found.after.reasons[Reason.NO_LABEL] == 0


def test_a_margin_is_tried(rig: Rig, shipped: Bundle) -> None:
    found = preview(rig.path, settings(shipped), settings(shipped, margin=0.99))
    assert found.after.reasons[Reason.SMALL_MARGIN] == 3
    assert found.after.bins == {REVIEW: 4, REST: 1}
    assert found.after.review_rate == pytest.approx(0.8)


def test_only_the_last_are_tried_with_the_marks_among_them(rig: Rig, shipped: Bundle) -> None:
    rig.requests.put(EmptyBinRequest(1))
    rig.step()
    rig.item(230)
    with JournalReader(rig.path) as reader:
        story = list(reader.story(2))
        everything = list(reader.story())
        assert list(map(type, reader.story(1000))) == list(map(type, everything))
    assert [type(entry) for entry in story] == [Record, Mark, Record]
    now = settings(shipped)
    assert preview(rig.path, now, now, last=2).before.bins.total() == 2


def test_what_was_moved_by_hand_is_not_decided_again(rig: Rig, shipped: Bundle) -> None:
    rig.requests.put(BeginByHand("tess", "page-one"))
    rig.requests.put(MoveByHand("tess", "page-one", "request-1", 1))
    rig.step()
    now = settings(shipped)
    found = preview(rig.path, now, now)
    assert (found.before.bins.total(), found.without_evidence) == (5, 1)


def test_thresholds_in_force_are_in_the_journal(tmp_path: Path, shipped: Bundle) -> None:
    """Under another threshold with the same model, facts say the one that held."""
    label_id = shipped.labels[SORTED_INDEX].id
    for share in (0.3, 0.9):
        rig = Rig(tmp_path, with_thresholds(shipped, {label_id: share}))
        rig.item(60)
        rig.run(0.5)
        rig.pipeline.close()
    with JournalReader(tmp_path / "journal.sqlite") as reader:
        assert reader.verify().problem is None
        cases = [entry.case for entry in reader.story() if isinstance(entry, Record)]
    held = [case.facts.thresholds[SORTED_INDEX] for case in cases if case]
    assert held == pytest.approx([0.3, 0.9])

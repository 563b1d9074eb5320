"""Figures of photographs, computed by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge.domain import Label
from trainer.metrics import balanced, coverage_curve, places, thinned
from trainer.photograph_figures import JudgedSet, confused_pairs, photograph_summary
from trainer.photograph_sets import Photograph, PhotographSet

IDS = ("3001", "3003", "3020")
BUNDLE = SimpleNamespace(labels=tuple(Label(i, part, part) for i, part in enumerate(IDS)))


def judged(present, probabilities, threshold=0.5, ignored=None):
    """Photographs a.jpg, b.jpg... with these labels, and what is said of them."""
    ignored = ignored or [()] * len(present)
    photographs = tuple(
        Photograph(Path(f"{'abcdefgh'[i]}.jpg"), frozenset(p), frozenset(q))
        for i, (p, q) in enumerate(zip(present, ignored, strict=True))
    )
    one = PhotographSet("set", Path(), photographs)
    wanted, left_out = one.matrices(IDS)
    sure = np.array(probabilities, np.float32)
    scores = np.log(sure / (1 - sure))
    return JudgedSet(one, wanted, left_out, sure, scores, (sure >= threshold) & ~left_out)


SINGLES = judged(
    [("3001",), ("3001",), ("3001",), ("3003",), ()],
    [
        [0.9, 0.2, 0.1],  # right
        [0.3, 0.8, 0.1],  # taken for 3003, surely
        [0.2, 0.4, 0.3],  # taken for 3003, not reported
        [0.1, 0.6, 0.7],  # taken for 3020; 3003 is reported too
        [0.1, 0.1, 0.45],  # nothing is there
    ],
)


def test_rates_are_balanced_by_type():
    found = photograph_summary(BUNDLE, SINGLES)
    # 3001 is first on one of three, 3003 on none of one.
    assert found["right_first"] == pytest.approx((1 / 3 + 0) / 2)
    assert found["right_in_five"] == 1.0
    assert found["types"] == 2


def test_pictures_without_a_label_count_as_negatives_only():
    found = photograph_summary(BUNDLE, SINGLES)
    assert found["pictures"] == 5
    assert found["labels_present"] == 4
    # Reported: 3001 on a, 3003 on b, 3003 and 3020 on d. Right: a, and 3003 on d.
    assert found["labels_reported"] == 4
    assert found["micro_precision"] == pytest.approx(2 / 4)
    assert found["micro_recall"] == pytest.approx(2 / 4)
    assert found["answered"] == pytest.approx(3 / 5)


def test_types_have_their_rates_and_the_precision_of_what_is_reported():
    rows = photograph_summary(BUNDLE, SINGLES)["labels"]
    assert rows == {
        "3001": {"pictures": 3, "first": 0.3333, "five": 1.0, "reported": 1, "precision": 1.0},
        "3003": {"pictures": 1, "first": 0.0, "five": 1.0, "reported": 2, "precision": 0.5},
    }


def test_types_taken_for_each_other_come_with_their_surest_pictures():
    first, second = confused_pairs(SINGLES)
    assert (first.shown, first.named, first.rows) == (0, 1, (1, 2))
    assert (second.shown, second.named, second.rows) == (1, 2, (3,))
    assert photograph_summary(BUNDLE, SINGLES)["taken_for"] == [
        {"shown": "3001", "named": "3003", "times": 2, "pictures": ["b.jpg", "c.jpg"]},
        {"shown": "3003", "named": "3020", "times": 1, "pictures": ["d.jpg"]},
    ]


def test_curve_of_single_pictures_goes_by_their_strongest_label():
    curve = photograph_summary(BUNDLE, SINGLES)["curve"]
    # Strongest: a 0.9 right, b 0.8 wrong, d 0.7 wrong, e 0.45 wrong, c 0.4 wrong.
    assert [(p["coverage"], p["precision"]) for p in curve] == [
        (0.2, 1.0), (0.4, 0.5), (0.6, 0.3333), (0.8, 0.25), (1.0, 0.2),
    ]  # fmt: skip
    assert curve[0]["threshold"] == pytest.approx(0.9, abs=1e-6)


def test_piles_have_no_first_label_and_ignored_ids_are_neither_right_nor_wrong():
    piles = judged(
        [("3001", "3003"), ("3020",)],
        [[0.9, 0.3, 0.8], [0.7, 0.1, 0.6]],
        ignored=[("3020",), ()],
    )
    found = photograph_summary(BUNDLE, piles, calibrated_on=True)
    assert "right_first" not in found
    assert "labels" not in found
    assert found["calibrated_on"]
    # Reported: 3001 (right; 3020 is ignored), and 3001 (wrong), 3020 (right).
    assert found["labels_reported"] == 3
    assert found["micro_precision"] == pytest.approx(2 / 3)
    assert found["micro_recall"] == pytest.approx(2 / 3)
    # By probability: 0.9 right, 0.7 wrong, 0.6 right, 0.3 right, 0.1 wrong.
    assert [(p["coverage"], p["precision"]) for p in found["curve"]] == [
        (0.3333, 1.0), (0.6667, 0.6667), (1.0, 0.75),
    ]  # fmt: skip


def test_what_is_ignored_is_never_the_strongest():
    one = judged([("3001",)], [[0.6, 0.9, 0.1]], ignored=[("3003",)])
    assert photograph_summary(BUNDLE, one)["right_first"] == 1.0


def test_places_and_balance_by_hand():
    score = np.array([[0.1, 0.9, 0.5], [0.3, 0.3, 0.3]])
    assert places(score, np.array([2, 1])).tolist() == [1, 1]
    assert balanced(np.array([1, 1, 0, 1]), np.array([0, 0, 0, 5])) == pytest.approx(
        (2 / 3 + 1) / 2
    )


def test_equal_scores_are_one_point_of_a_curve():
    curve = coverage_curve(np.array([0.5, 0.5, 0.5, 0.1]), np.array([1, 0, 1, 0]), 4)
    assert curve == [
        {"threshold": 0.5, "coverage": 0.75, "precision": 0.6667},
        {"threshold": 0.1, "coverage": 1.0, "precision": 0.5},
    ]


def test_a_long_curve_is_short_and_keeps_its_ends():
    score = np.linspace(1, 0, 5000)
    curve = coverage_curve(score, score > 0.5, 5000)
    assert len(curve) <= 40
    assert (curve[0]["coverage"], curve[-1]["coverage"]) == (0.0002, 1.0)
    assert [p["coverage"] for p in thinned(curve)] == pytest.approx(
        [0, 0.25, 0.5, 0.75, 1], abs=0.02
    )

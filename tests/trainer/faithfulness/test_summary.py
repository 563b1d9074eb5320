"""Means, differences and the page's parts from rows made by hand."""

import numpy as np
import pytest

from trainer.faithfulness.cases import cases_of
from trainer.faithfulness.counterfactual import agreement
from trainer.faithfulness.examples import choose
from trainer.faithfulness.masks import Masks
from trainer.faithfulness.plots import plots
from trainer.faithfulness.summary import FIGURES, SHARES, summarise
from trainer.faithfulness.table import as_text

METHODS = ("grad-cam", "centre")


def figures(pointing, centre, energy):
    values = dict.fromkeys((*FIGURES, *SHARES), 0.25)
    values |= {"pointing": pointing, "centre": centre, "energy": energy}
    values |= {"pointing_exact": pointing, "centre_exact": centre}
    return values | {"deletion_curve": [1.0, 0.5, 0.0], "insertion_curve": [0.0, 1.0, 1.0]}


def label(part, hit, centre, energy=0.5, outcome="tp", likeness=0.1):
    return {
        "part": part,
        "outcome": outcome,
        "probability": 0.5,
        "methods": {
            "grad-cam": figures(hit, centre, energy),
            "centre": figures(centre, centre, 0.1),
        },
        "randomised": {"grad-cam": [likeness, None]},
    }


def row(seed, *labels, disagreements=0):
    said = {"disagreements": disagreements}
    said |= {"mean_logit_difference": 0.1 * seed, "largest_logit_difference": 0.5 * seed}
    return {"seed": seed, "agreement": said, "labels": list(labels)}


@pytest.fixture
def rows():
    return [
        row(1, label("3001", 1.0, 0.0), label("3003", 1.0, 1.0)),
        row(2, label("3001", 1.0, 1.0, energy=None), label("3003", 0.0, 0.0, outcome="fn")),
        row(3, label("3001", 0.0, 0.0, energy=0.1, likeness=0.3), disagreements=2),
    ]


@pytest.fixture
def found(rows):
    return summarise(rows, METHODS, ("logits", "conv2"), 0)


def test_outcomes_are_apart(found):
    assert found["explanations"] == {"tp": 4, "fn": 1, "fp": 0}
    assert set(found["figures"]) == {"tp", "fn"}
    assert found["figures"]["fn"]["grad-cam"]["pointing"]["mean"] == 0


def test_pointing_is_the_mean_over_types(found):
    # 3001: 2 of 3; 3003: 1 of 1. The centre: 1 of 3, 1 of 1.
    right = found["figures"]["tp"]
    assert right["grad-cam"]["pointing"]["mean"] == pytest.approx((2 / 3 + 1) / 2)
    assert right["centre"]["pointing"]["mean"] == pytest.approx((1 / 3 + 1) / 2)
    assert right["centre"]["skill"]["mean"] == 0
    # (5/6 - 2/3) / (1 - 2/3)
    assert right["grad-cam"]["skill"]["mean"] == pytest.approx(0.5)
    assert found["types"]["3001"]["pointing"]["grad-cam"] == pytest.approx(2 / 3)


def test_differences_are_on_what_both_have(found):
    gap = found["differences"]["tp"]["grad-cam minus centre"]
    assert gap["pointing"]["mean"] == pytest.approx(5 / 6 - 2 / 3)
    assert gap["energy"]["mean"] == pytest.approx((0.4 + 0.4 + 0.0) / 3)
    assert (gap["energy"]["count"], gap["energy"]["undefined"]) == (3, 1)


def test_randomisation_and_agreement(found):
    first, second = found["randomisation"]["grad-cam"]
    assert first["random"] == ["logits"]
    assert first["mean"] == pytest.approx((0.1 * 3 + 0.3) / 4)
    assert second["random"] == ["logits", "conv2"]
    assert (second["count"], second["undefined"]) == (0, 4)
    assert found["agreement"]["same_label_set"]["mean"] == pytest.approx(2 / 3)
    assert found["agreement"]["disagreements"] == 2
    assert found["agreement"]["largest_logit_difference"] == 1.5


def test_curves_are_means(found):
    assert found["curves"]["grad-cam"]["deletion"] == [1, 0.5, 0]


def test_table_and_plots(found):
    text = as_text(found)
    assert "rightly reported: 4 labels" in text
    assert "grad-cam, down to logits" in text
    assert len(plots(found, {"3001": "Brick 2x4"})) == 6


def test_nothing_rightly_reported(rows):
    found = summarise([row(2, *rows[1]["labels"][1:])], METHODS, ("logits",), 0)
    assert found["explanations"]["tp"] == 0
    assert plots(found, {}) == []
    assert "missed: 1 labels" in as_text(found)


def test_no_label_at_all():
    found = summarise([row(1)], METHODS, (), 0)
    assert found["figures"] == {}
    assert as_text(found)


def test_examples_follow_the_rule():
    energies = np.random.default_rng(0).permutation(50) / 50
    rows = [row(n, label("3001", 1.0, 0.0, energy=float(e))) for n, e in enumerate(energies)]
    chosen = [entry["methods"]["grad-cam"]["energy"] for _, entry in choose(rows)]
    assert chosen == sorted(chosen, reverse=True)
    assert (chosen[0], chosen[-1]) == (energies.max(), energies.min())
    assert len(chosen) == 8


def test_leaving_bricks_out_by_hand():
    def entry(drop, mass):
        return {"part": "3001", "drop": drop, "mass": {"grad-cam": mass}}

    rows = [
        {"seed": 1, "labels": [entry([3.0, 1.0, 0.0], [0.5, 0.2, 0.1])]},
        {"seed": 2, "labels": [entry([0.0, 1.0, 3.0], [0.5, 0.2, 0.1])]},
        {"seed": 3, "labels": [entry([0.0, 1.0], [0.5, 0.2]), entry([0.0, 1.0, 2.0], [])]},
    ]
    found = agreement(rows, ("grad-cam",), 0)["grad-cam"]
    # 1 and -1; two bricks, or a blank map, say nothing.
    assert found["spearman"]["mean"] == pytest.approx(0)
    assert (found["spearman"]["count"], found["spearman"]["undefined"]) == (2, 2)
    assert found["same_brick"]["mean"] == 0.5


def test_cases_by_outcome():
    from types import SimpleNamespace

    labels = [SimpleNamespace(index=i, id=part) for i, part in enumerate("abcd")]
    own = np.eye(4, dtype=np.float32)
    masks = Masks({"a": own, "b": own, "c": own}, own)
    sample = SimpleNamespace(labels=("a", "b"))
    prediction = SimpleNamespace(present=[labels[0], labels[2]])
    cases = cases_of(labels, sample, prediction, masks)
    assert [(c.part, c.outcome) for c in cases] == [("a", "tp"), ("b", "fn"), ("c", "fp")]
    np.testing.assert_array_equal(cases[0].others, [1])
    np.testing.assert_array_equal(cases[2].others, [0, 1])
    assert not cases[2].own.any()

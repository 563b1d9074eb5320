"""The model card, from what was measured."""

import textwrap
from typing import Any

WORST_LABELS = 10
WEAK_F1 = 0.8
LINE_CHARS = 96


def model_card(
    name: str, run: Any, manifest: dict[str, Any], evaluation: dict[str, Any], pictures: int
) -> str:
    """Markdown of a bundle's card.

    Args:
        name: Of the bundle.
        run: The `trainer.export.Run` it comes from.
        manifest: manifest.json without "files".
        evaluation: evaluation.json.
        pictures: Size of the data set.
    """
    test, int8 = evaluation["test"], evaluation["int8_against_float"]
    stages = "\n".join(
        f"- {s.name}: {s.epochs} epochs of {s.windows_per_epoch:,} windows of {s.side_px} px"
        for s in run.recipe.stage
    )
    rows = [
        ("Mean average precision", "mean_average_precision", "chance_average_precision"),
        ("Micro precision", "micro_precision", None),
        ("Micro recall", "micro_recall", None),
        ("Micro F1", "micro_f1", None),
        ("Macro F1", "macro_f1", None),
        ("Exact match of the label set", "exact_match", None),
        ("Binary accuracy", "binary_accuracy", "all_absent_accuracy"),
        ("Expected calibration error", "calibration_error", None),
    ]
    table = "\n".join(
        f"| {title} | {test[key]:.4f} | {test[base]:.4f} |"
        if base
        else f"| {title} | {test[key]:.4f} | |"
        for title, key, base in rows
    )
    worst = sorted(test["labels"].items(), key=lambda item: item[1]["f1"])[:WORST_LABELS]
    names = {label["id"]: label["name"] for label in manifest["labels"]}
    weakest = "\n".join(
        f"- {part} {names[part]}: F1 {v['f1']:.2f} ({v['support']} pictures)" for part, v in worst
    )
    return f"""# {name}

Says which of {len(run.labels)} brick types are visible in a picture of a pile.

## How it was made

{_pictures(run, pictures)}; the recipe is `{run.recipe.name}`:

{stages}

{_training(run)}

## How well it does

On {test["pictures"]:.0f} held-out rendered pictures, on the int8 model and the device's own code:

| figure | value | chance, or saying "nothing there" |
|---|---|---|
{table}

{_photographs(evaluation)}

{_quantised(int8)}

## Where it fails

{_verdict(test, evaluation)}

The weakest labels on held-out renders:

{weakest}

{_limits(run)}
"""


def _pictures(run: Any, pictures: int) -> str:
    fresh = sum(s.epochs * s.fresh_per_epoch for s in run.recipe.stage if s.source != "data")
    held = f"A data set of {pictures:,} pictures"
    return f"{held} and {fresh:,} fresh scenes of the raster engine" if fresh else held


def _wrapped(*sentences: str) -> str:
    return textwrap.fill(" ".join(sentences), LINE_CHARS, break_on_hyphens=False)


def _training(run: Any) -> str:
    return _wrapped(
        "It began with the weights of an earlier run." if run.recipe.start else "",
        "Windows are cut from the pictures while training, with their instance maps.",
        "Weighted binary cross-entropy with logits,",
        f"weight {run.recipe.loss.positive_weight:g}.",
        "Thresholds (largest F1 of each label) and calibration come from the validation split;",
        "the figures below from the test split, whose scenes were in neither.",
    )


def _quantised(int8: dict[str, Any]) -> str:
    return _wrapped(
        "The int8 model gives the same label set as the float one on",
        f"{100 * int8['same_label_set']:.1f} % of these pictures;",
        f"mAP {int8['map_int8']:.4f} against {int8['map_float']:.4f}.",
    )


def _limits(run: Any) -> str:
    return _wrapped(
        "Colours are not told apart, counts are not given, and types outside the",
        f"{len(run.labels)} are taken for one of them or for none.",
    )


def _photographs(evaluation: dict[str, Any]) -> str:
    found = evaluation.get("photographs")
    if not found:
        return "It was not judged on photographs."
    return _wrapped(
        f"On {found['pictures']:.0f} phone photographs ({found['labels_present']:.0f} labels,",
        f"never trained or tuned on): micro precision {found['micro_precision']:.3f},",
        f"recall {found['micro_recall']:.3f}, F1 {found['micro_f1']:.3f}.",
    )


def _verdict(test: dict[str, Any], evaluation: dict[str, Any]) -> str:
    lines = ["Errors are part of every model; see the weakest labels."]
    if test["micro_f1"] < WEAK_F1:
        lines = [
            f"This model is weak: of the labels it reports {100 * test['micro_precision']:.0f} %",
            f"are right, and it finds {100 * test['micro_recall']:.0f} % of what is there.",
            "Do not let it move bins unattended.",
        ]
    real = evaluation.get("photographs")
    if real and real["micro_f1"] < test["micro_f1"]:
        lines.append("It does worse on real photographs than on renders like its training set.")
    return _wrapped(*lines)

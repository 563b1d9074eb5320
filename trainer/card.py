"""The model card, from what was measured."""

from typing import Any

from trainer.card_photographs import coverage, expectation, not_reported, wrapped

WORST_LABELS = 10
WEAK_F1 = 0.8
TRUNK_CREDIT = (
    "The first blocks began with the weights of EfficientNet-Lite0 trained on ImageNet, by Google"
    " (github.com/tensorflow/tpu; Copyright The TensorFlow Authors), Apache License 2.0;"
    " changed: batch-norm folded, last blocks left out, trained on."
)


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

{expectation(evaluation)}

Says which of {len(run.labels)} brick types are visible in a picture of a pile.

## How it was made

{_pictures(run, pictures)}; the recipe is `{run.recipe.name}`:

{stages}

{_training(run, evaluation)}

## How well it does

On {test["pictures"]:.0f} held-out rendered pictures, on the int8 model and the device's own code:

| figure | value | chance, or saying "nothing there" |
|---|---|---|
{table}

{_quantised(int8)}

## How sure it has to be

{_sure()}

{coverage(evaluation)}

{not_reported(manifest)}

## Where it fails

{_verdict(test, evaluation)}

The weakest labels on held-out renders:

{weakest}

{_limits(run)}
{_credits(run)}"""


def _credits(run: Any) -> str:
    """Whose pictures and weights are in it; empty where all is the project's own."""
    credits = list(run.recipe.credits)
    if run.recipe.network.family == "lite" and not any("EfficientNet" in one for one in credits):
        credits.append(TRUNK_CREDIT)
    if not credits:
        return ""
    listed = "\n".join("- " + wrapped(one).replace("\n", "\n  ") for one in credits)
    return f"\n## Credits\n\nIt learned from what others made:\n\n{listed}\n"


def _pictures(run: Any, pictures: int) -> str:
    fresh = sum(s.epochs * s.fresh_per_epoch for s in run.recipe.stage if s.source != "data")
    held = f"A data set of {pictures:,} pictures"
    return f"{held} and {fresh:,} fresh scenes of the raster engine" if fresh else held


def _training(run: Any, evaluation: dict[str, Any]) -> str:
    fitted = evaluation["calibration"]
    photographs = fitted["photographs"]
    return wrapped(
        "It began with the weights of an earlier run." if run.recipe.start else "",
        "Windows are cut from the pictures while training, with their instance maps.",
        "Weighted binary cross-entropy with logits,",
        f"weight {run.recipe.loss.positive_weight:g}.",
        f"Thresholds and calibration come from {fitted['renders']:,} rendered pictures of the",
        "validation split",
        f"and {photographs:,} photographs together;" if photographs else "alone;",
        "the figures on renders below from the test split, whose scenes were in neither.",
    )


def _sure() -> str:
    return wrapped(
        "A label is reported from the lowest probability at which it was right at least four times",
        'in five on validation. Where nothing is reported the answer is "not sure". Asked to be',
        "surer, it answers less often and is right more often:",
    )


def _quantised(int8: dict[str, Any]) -> str:
    return wrapped(
        "The int8 model gives the same label set as the float one on",
        f"{100 * int8['same_label_set']:.1f} % of these pictures;",
        f"mAP {int8['map_int8']:.4f} against {int8['map_float']:.4f}.",
    )


def _limits(run: Any) -> str:
    return wrapped(
        "Colours are not told apart, counts are not given, and types outside the",
        f"{len(run.labels)} are taken for one of them or for none.",
    )


def _verdict(test: dict[str, Any], evaluation: dict[str, Any]) -> str:
    lines = ["Errors are part of every model; see the weakest labels."]
    if test["micro_f1"] < WEAK_F1:
        lines = [
            f"This model is weak: of the labels it reports {100 * test['micro_precision']:.0f} %",
            f"are right, and it finds {100 * test['micro_recall']:.0f} % of what is there.",
            "Do not let it move bins unattended.",
        ]
    real = (evaluation.get("photographs") or {}).values()
    if any(found["micro_f1"] < test["micro_f1"] for found in real):
        lines.append("It does worse on real photographs than on renders like its training set.")
    return wrapped(*lines)

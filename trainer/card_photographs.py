"""What the model card says of photographs, of coverage, and of labels that are not reported."""

import textwrap
from collections.abc import Mapping
from typing import Any

from trainer.metrics import thinned

LINE_CHARS = 96


def wrapped(*sentences: str) -> str:
    """Sentences as one paragraph."""
    return textwrap.fill(" ".join(filter(None, sentences)), LINE_CHARS, break_on_hyphens=False)


def expectation(evaluation: Mapping[str, Any]) -> str:
    """What a user may expect on a photograph, in plain words."""
    sets = evaluation.get("photographs") or {}
    if not sets:
        return wrapped(
            "**On a photograph:** nobody has measured it. Expect less than the figures on rendered",
            "pictures below.",
        )
    first = "**On a photograph**, as measured on pictures that it was not trained on:"
    return "\n".join([first, "", *(_bullet(name, found) for name, found in sets.items())])


def _bullet(name: str, found: Mapping[str, Any]) -> str:
    said = wrapped(*(_single(name, found) if "right_first" in found else _several(name, found)))
    return "- " + said.replace("\n", "\n  ")


def _single(name: str, found: Mapping[str, Any]) -> list[str]:
    return [
        f"One brick a picture ({name}: {found['pictures']:.0f} photographs,",
        f"{found['types']:.0f} types): the right type comes first on",
        f"{_percent(found['right_first'])} and is among the first five on",
        f"{_percent(found['right_in_five'])},",
        "every type weighing",
        f'alike. It reports a type on {_percent(found["answered"])} of them and says "not sure" on',
        f"the rest; {_right(found)}.{_fitted(found)}{_skipped(found)}",
    ]


def _several(name: str, found: Mapping[str, Any]) -> list[str]:
    return [
        f"Several bricks a picture ({name}: {found['pictures']:.0f} photographs,",
        f"{found['labels_present']:.0f} labels): {_right(found)}, and",
        f"{_percent(found['micro_recall'])} of what is there is found",
        f"(F1 {found['micro_f1']:.3f}).",
        _tiled(found.get("tiles")),
        f"{_fitted(found)}{_skipped(found)}".strip(),
    ]


def _tiled(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    return (
        f"With `--tiles` {_right(found)}, and {_percent(found['micro_recall'])} of what is there is"
        f" found (F1 {found['micro_f1']:.3f})."
    )


def _right(found: Mapping[str, Any]) -> str:
    if not found["labels_reported"]:
        return "it reports nothing at all"
    return (
        f"{_percent(found['micro_precision'])} of the {found['labels_reported']:.0f} labels that it"
        " reports are right"
    )


def _fitted(found: Mapping[str, Any]) -> str:
    if not found.get("calibrated_on"):
        return ""
    return " Its thresholds were chosen on these pictures, so expect a little less elsewhere."


def _skipped(found: Mapping[str, Any]) -> str:
    count = found.get("skipped_pictures")
    return (
        f" {count:.0f} more show a type that it does not know and were left out." if count else ""
    )


def coverage(evaluation: Mapping[str, Any]) -> str:
    """A few points of each curve of coverage against precision, as a table."""
    sets = {"renders": {**evaluation["test"], "curve_of": "labels found"}}
    sets |= evaluation.get("photographs") or {}
    rows = [
        f"| {name}: {found['curve_of']} | {100 * point['coverage']:.0f} % |"
        f" {100 * point['precision']:.0f} % | {point['threshold']:.3f} |"
        for name, found in sets.items()
        for point in thinned(found["curve"])
    ]
    head = ["| pictures | covered | right of that | at a probability of |", "|---|---|---|---|"]
    return "\n".join(head + rows)


def not_reported(manifest: Mapping[str, Any]) -> str:
    """The labels that are not reported, as a list."""
    silent = [label for label in manifest["labels"] if not label.get("reported", True)]
    if not silent:
        return "Every label is reported."
    said = wrapped(
        f"{len(silent)} of {len(manifest['labels'])} labels were never right at least four times",
        "in five on validation, and are not reported, unless `[thresholds]` in edge.toml gives",
        "them a threshold:",
    )
    return "\n".join([said, "", *(f"- {label['id']} {label['name']}" for label in silent)])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

"""The models that may be made live, and how each differs from the one that runs."""

from dataclasses import dataclass
from pathlib import Path

from edge.errors import BundleError
from edge.manifest import Manifest, read_manifest
from edge.swap.evaluation import figure, read_evaluation
from edge.swap.places import CONFIGURED, Places

SHOWN_IDS = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder with a manifest.

    Attributes:
        id: By which it is asked for.
        manifest: What it says of itself; None where it cannot be read.
        mean_average_precision: By its evaluation.
        differences: To the model that runs, one sentence each.
        problem: Why it would be refused; None where nothing was found. Checksums and the
            self-test are looked at only when it is verified.
    """

    id: str
    manifest: Manifest | None
    mean_average_precision: float | None
    differences: tuple[str, ...]
    problem: str | None


def candidates(places: Places, running: Manifest | None) -> tuple[Candidate, ...]:
    """All models that may be made live, the configured one first.

    Args:
        places: Where to look.
        running: What each is compared with; None compares nothing.
    """
    return tuple(_candidate(places, i, running) for i in (CONFIGURED, *places.staged_ids()))


def differences(running: Manifest, other: Manifest) -> tuple[str, ...]:
    """How a model differs from the one that runs, one sentence each."""
    if running.seal == other.seal:
        return ("the same model",)
    return (
        *_label_differences(running, other),
        *_changed("input", _input(running), _input(other)),
        *_changed("Grad-CAM", _layer(running), _layer(other)),
    )


def _candidate(places: Places, model_id: str, running: Manifest | None) -> Candidate:
    folder = places.folder(model_id)
    try:
        manifest = read_manifest(folder)
    except BundleError as error:
        return Candidate(model_id, None, None, (), places.shown(error))
    problem = _unfinished(folder, manifest)
    # What is not whole may name any file of this machine as its own.
    evaluation = {} if problem else read_evaluation(folder / manifest.files["evaluation"].path)
    return Candidate(
        model_id,
        manifest,
        figure(evaluation, "test", "mean_average_precision"),
        differences(running, manifest) if running else (),
        problem,
    )


def _unfinished(folder: Path, manifest: Manifest) -> str | None:
    for role, entry in manifest.files.items():
        if entry.path.startswith("/") or ".." in entry.path.split("/"):
            return f"files.{role}: its path leads out of the bundle"
        try:
            found = (folder / entry.path).stat().st_size
        except (OSError, ValueError):
            return f"{entry.path} is not there yet, the {role}; is it still being copied?"
        if found != entry.bytes:
            return (
                f"{entry.path} has {found} of {entry.bytes} bytes, the {role}; is it still being"
                " copied?"
            )
    return None


def _label_differences(running: Manifest, other: Manifest) -> list[str]:
    now = {label.id: label for label in running.labels}
    then = {label.id: label for label in other.labels}
    said = [f"without {_some(now.keys() - then)}"] if now.keys() - then else []
    if then.keys() - now:
        said.append(f"also knows {_some(then.keys() - now)}")
    both = now.keys() & then
    moved = sum(now[i].threshold != then[i].threshold for i in both)
    if moved:
        said.append(f"{moved} of {len(then)} thresholds differ")
    silent = {i for i in both if now[i].reported and not then[i].reported}
    if silent:
        said.append(f"does not report {_some(silent)}")
    heard = {i for i in both if then[i].reported and not now[i].reported}
    if heard:
        said.append(f"also reports {_some(heard)}")
    return said


def _some(ids: set[str]) -> str:
    listed = sorted(ids)
    more = f" and {len(listed) - SHOWN_IDS} more" if len(listed) > SHOWN_IDS else ""
    return ", ".join(listed[:SHOWN_IDS]) + more


def _changed(what: str, now: str, then: str) -> list[str]:
    return [] if now == then else [f"{what}: {then} instead of {now}"]


def _input(manifest: Manifest) -> str:
    entry = manifest.preprocessing
    return f"{entry.size_px} px, {entry.resize}"


def _layer(manifest: Manifest) -> str:
    companion = manifest.companion
    return f"{companion.layer} {companion.grid[0]} x {companion.grid[1]}, {companion.pooling}"

"""The model bundle: the contract between trainer and device; one reader, one writer.

A folder. Copying it is the deployment:

    manifest.json             everything below, a SHA-256 of every other file, a seal of its own
    classifier.int8.tflite    uint8 picture (1, s, s, 3) -> float32 logits (1, n)
    companion.float.tflite    the same picture + int32[k] label indices -> logits (1, n) and
                              Grad-CAM maps (k, h, w) in logit units, and perhaps more: HiResCAM
                              maps, signed, then max-pooled ones
    variants.float.tflite     perhaps: the same, with HiResCAM and max-pooled maps alone
    self_test/                a few pictures with the answers the trainer got
    evaluation.json           every figure of the model card
    MODEL_CARD.md             what it was trained on, how well it does, where it fails

Further files may be listed in the manifest; files that are not listed are ignored.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.domain import NOT_REPORTED, Label
from edge.errors import BundleError, InterpreterError
from edge.interpreter import Interpreter
from edge.manifest import (
    MANIFEST,
    SCHEMA_VERSION,
    FileEntry,
    Manifest,
    read_manifest,
    seal_of,
)
from edge.preprocessing import Preprocessing
from edge.self_test import Replayed, replay

COMPANION_MAPS = ("grad-cam", "hirescam", "grad-cam-max")
"""Methods in the order of a companion's outputs after the logits; it has the first, two or all."""
VARIANT_MAPS = COMPANION_MAPS[1:]
"""The same of a file of variants, which has both."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A bundle that was read and verified.

    Attributes:
        folder: Where it lies.
        manifest: All of manifest.json.
        labels: The labels in the order of the model's outputs.
        thresholds: (n,) float32, on calibrated probabilities; `NOT_REPORTED` where the label is not
            reported.
        slopes, offsets: (n,) float32; `p = sigmoid(slope * logit + offset)`, with the shift by
            the training weight already inside the offset.
        preprocessing: How a picture is brought to the model's input.
        sha256: Of the classifier; names the model in every record.
        self_test: How its self-test went when it was read.
    """

    folder: Path
    manifest: Manifest
    labels: tuple[Label, ...]
    thresholds: NDArray[np.float32]
    slopes: NDArray[np.float32]
    offsets: NDArray[np.float32]
    preprocessing: Preprocessing
    sha256: str
    self_test: tuple[Replayed, ...] = ()

    def path(self, role: str) -> Path:
        """Path of a file by its role."""
        return self.folder / self.manifest.files[role].path

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated probabilities (n,) of logits (n,)."""
        # tanh neither overflows nor warns at large logits.
        half = 0.5 * (self.slopes * logits + self.offsets)
        return np.asarray(0.5 * (1.0 + np.tanh(half)), np.float32)


def read_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Args:
        folder: The bundle.

    Returns:
        The bundle; every listed file has its checksum, the models have the shapes the manifest
        promises, and the self-test gave the trainer's answers.

    Raises:
        BundleError: The bundle is refused; the message names the file, what was found and what
            was expected.
    """
    manifest = read_manifest(folder)
    for role, entry in manifest.files.items():
        _verify_file(folder, role, entry)
    bundle = _assemble(folder, manifest)
    classifier = _open_model(bundle, "classifier")
    check_classifier(bundle, classifier)
    check_companion(bundle, _open_model(bundle, "companion", to_run=False))
    if "variants" in manifest.files:
        check_variants(bundle, _open_model(bundle, "variants", to_run=False))
    return replace(bundle, self_test=replay(bundle, classifier))


def with_thresholds(bundle: Bundle, thresholds: Mapping[str, float]) -> Bundle:
    """The same bundle with other thresholds.

    Args:
        bundle: As it was read.
        thresholds: 0..1, by label id; of the others the bundle's own stay. A label that is not
            reported is, from the threshold given here on.
    """
    own = zip(bundle.labels, bundle.thresholds, strict=True)
    values = [thresholds.get(label.id, threshold) for label, threshold in own]
    return replace(bundle, thresholds=np.array(values, np.float32))


def _verify_file(folder: Path, role: str, entry: FileEntry) -> None:
    inside = PurePosixPath(entry.path)
    outside = inside.is_absolute() or ".." in inside.parts
    if outside or "\\" in entry.path or not entry.path.isprintable():
        raise BundleError(
            f"{folder / MANIFEST}: files.{role}: found path {entry.path!r}, expected one"
            " inside the bundle"
        )
    path = folder / inside
    try:
        size = path.stat().st_size if path.is_file() else None
        # A file of another size is not even read.
        found = hashlib.sha256(path.read_bytes()).hexdigest() if size == entry.bytes else ""
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}); the manifest lists it as {role}."
            " Copy the bundle again"
        ) from error
    if size != entry.bytes:
        what = "no file" if size is None else f"{size} bytes"
        raise BundleError(
            f"{path}: found {what}, expected {entry.bytes} bytes, the {role}; copy the bundle again"
        )
    if found != entry.sha256:
        raise BundleError(
            f"{path}: found SHA-256 {found[:16]}…, expected {entry.sha256[:16]}…;"
            " the file was changed or damaged, copy the bundle again"
        )


def _assemble(folder: Path, manifest: Manifest) -> Bundle:
    entries = manifest.labels
    slopes = np.array([e.calibration.slope for e in entries], np.float32)
    offsets = np.array([e.calibration.offset for e in entries], np.float32)
    shift = np.float32(np.log(manifest.positive_weight))
    return Bundle(
        folder=folder,
        manifest=manifest,
        labels=tuple(Label(i, e.id, e.name) for i, e in enumerate(entries)),
        thresholds=np.array(
            [e.threshold if e.reported else NOT_REPORTED for e in entries], np.float32
        ),
        slopes=slopes,
        offsets=offsets - slopes * shift,
        preprocessing=Preprocessing(**manifest.preprocessing.model_dump()),
        sha256=manifest.files["classifier"].sha256,
    )


def _open_model(bundle: Bundle, role: str, to_run: bool = True) -> Interpreter:
    try:
        return Interpreter(bundle.path(role), to_run=to_run)
    except InterpreterError as error:
        raise BundleError(f"{bundle.path(role)}: {error}") from error


def check_classifier(bundle: Bundle, model: Interpreter) -> None:
    """Refuse a classifier whose input or output does not fit the manifest."""
    size, labels = bundle.preprocessing.size_px, len(bundle.labels)
    _expect(
        bundle.path("classifier"),
        {"input": model.inputs, "output": model.outputs},
        {
            "input": (((1, size, size, 3), np.dtype(np.uint8)),),
            "output": (((1, labels), np.dtype(np.float32)),),
        },
    )


def check_companion(bundle: Bundle, model: Interpreter) -> None:
    """Refuse a companion whose inputs or outputs do not fit the manifest."""
    count = min(max(len(model.outputs) - 1, 1), len(COMPANION_MAPS))
    _check_maps(bundle, "companion", model, count)


def check_variants(bundle: Bundle, model: Interpreter) -> None:
    """Refuse a file of variants whose inputs or outputs do not fit the manifest."""
    _check_maps(bundle, "variants", model, len(VARIANT_MAPS))


def _check_maps(bundle: Bundle, role: str, model: Interpreter, count: int) -> None:
    size, labels = bundle.preprocessing.size_px, len(bundle.labels)
    maps = (-1, *bundle.manifest.companion.grid)
    _expect(
        bundle.path(role),
        {"input": model.inputs, "output": tuple(shape for shape, _ in model.outputs)},
        {
            "input": (
                ((1, size, size, 3), np.dtype(np.uint8)),
                ((-1,), np.dtype(np.int32)),
            ),
            "output": ((1, labels), *[maps] * count),
        },
    )


def _expect(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for what in expected:
        if found[what] != expected[what]:
            raise BundleError(
                f"{path}: {what} is {_said(found[what])}, the manifest promises"
                f" {_said(expected[what])}; export the bundle again"
            )


def _said(shapes: tuple[Any, ...]) -> str:
    return " + ".join(str(s).replace("dtype", "").replace("'", "") for s in shapes)


def write_bundle(
    folder: Path, manifest: dict[str, Any], files: Mapping[str, tuple[str, bytes]]
) -> Bundle:
    """Write a bundle and read it back as the device would.

    It is put together beside its place and moved there whole; what stood there before goes only
    when the new one was read back.

    Args:
        folder: Where the bundle goes.
        manifest: manifest.json without what is filled in here: files, schema_version and seal.
        files: Role -> (path inside the bundle, content).

    Returns:
        The bundle as the device reads it.

    Raises:
        BundleError: The device would refuse it, or `folder` holds something else than a bundle;
            what stood there stays.
    """
    check_place(folder)
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        entries = {
            role: _write_file(staged, path, content) for role, (path, content) in files.items()
        }
        values = {"schema_version": SCHEMA_VERSION, **manifest, "files": entries}
        values["seal"] = seal_of(values)
        text = json.dumps(values, indent=1, ensure_ascii=False)
        (staged / MANIFEST).write_text(text + "\n", encoding="utf-8")
        read_bundle(staged)
        staged.chmod(0o755)
        _replace(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return read_bundle(folder)


def check_place(folder: Path) -> None:
    """Refuse a place for a bundle that holds anything else.

    Raises:
        BundleError: There is a file, or a folder with files that no bundle there lists.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BundleError(f"{folder}: is a file; name a new folder for the bundle")
    listed = {MANIFEST}
    if (folder / MANIFEST).is_file():
        listed |= {entry.path for entry in read_manifest(folder).files.values()}
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    foreign = sorted(found - listed)
    if foreign:
        raise BundleError(
            f"{folder}: holds {foreign[0]!r}, which is of no bundle, and would be lost;"
            " name a new folder"
        )


def _write_file(folder: Path, path: str, content: bytes) -> dict[str, Any]:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _replace(staged: Path, folder: Path) -> None:
    if not folder.exists():
        staged.replace(folder)
        return
    old = folder.with_name(f".{folder.name}-replaced")
    shutil.rmtree(old, ignore_errors=True)
    folder.replace(old)
    staged.replace(folder)
    shutil.rmtree(old)

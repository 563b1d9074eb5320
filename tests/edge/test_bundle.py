"""The bundle: what is read is whole, and what is not is refused with a reason."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from bundle_copies import (
    Values,
    copy_bundle,
    edit_manifest,
    manifest_of,
    parts_of,
    replace_file,
    write,
)

from edge.bundle import Bundle, check_companion, read_bundle, write_bundle
from edge.config import SHIPPED_BUNDLE
from edge.domain import NOT_REPORTED
from edge.errors import BundleError
from edge.interpreter import TINY_MODEL, Interpreter
from edge.manifest import MANIFEST, MANIFEST_BYTES_MAX, SCHEMA_VERSION
from edge.self_test import LONE_LOGIT_ROOM, replay_self_test

FILES = sorted(
    str(path.relative_to(SHIPPED_BUNDLE)) for path in SHIPPED_BUNDLE.rglob("*") if path.is_file()
)


def refusal(folder: Path) -> str:
    """What a bundle is refused with."""
    with pytest.raises(BundleError) as refused:
        read_bundle(folder)
    return str(refused.value)


def refusal_after(folder: Path, edit: Callable[[Values], object]) -> str:
    edit_manifest(folder, edit)
    message = refusal(folder)
    assert MANIFEST in message
    return message


# --- the shipped bundle ---


def test_the_shipped_bundle_is_whole(shipped: Bundle) -> None:
    count = len(shipped.labels)
    assert count == 85
    assert [label.index for label in shipped.labels] == list(range(count))
    assert len({label.id for label in shipped.labels}) == count
    for values in (shipped.thresholds, shipped.slopes, shipped.offsets):
        assert values.shape == (count,)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    reported = np.array([entry.reported for entry in shipped.manifest.labels])
    assert reported.any()
    assert ((shipped.thresholds[reported] > 0) & (shipped.thresholds[reported] < 1)).all()
    assert (shipped.thresholds[~reported] == NOT_REPORTED).all()
    assert len(shipped.sha256) == 64
    assert shipped.path("classifier").is_file()


def test_the_shipped_models_fit_a_small_device(shipped: Bundle) -> None:
    megabytes = sum(shipped.manifest.files[r].bytes for r in ("classifier", "companion")) / 1e6
    assert megabytes <= 20


def test_a_copied_folder_is_the_same_bundle(copied: Path, shipped: Bundle) -> None:
    assert read_bundle(copied).manifest == shipped.manifest


def test_files_that_are_not_listed_are_ignored(copied: Path) -> None:
    (copied / "notes.txt").write_text("mine")
    read_bundle(copied)


def test_probabilities_are_calibrated_by_the_documented_formula(shipped: Bundle) -> None:
    logits = np.linspace(-8, 8, len(shipped.labels), dtype=np.float32)
    ln_w = np.log(shipped.manifest.positive_weight)
    expected = [
        1 / (1 + np.exp(-(e.calibration.slope * (z - ln_w) + e.calibration.offset)))
        for z, e in zip(logits.astype(float), shipped.manifest.labels, strict=True)
    ]
    np.testing.assert_allclose(shipped.probabilities(logits), expected, atol=1e-6)


def test_probabilities_of_huge_logits_stay_in_range(shipped: Bundle) -> None:
    huge = np.full(len(shipped.labels), 3e38, np.float32)
    with np.errstate(over="ignore"):
        assert (shipped.probabilities(huge) == 1).all()
        assert (shipped.probabilities(-huge) == 0).all()


# --- damaged files ---


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_refused(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    write(copied / name, bytes(content))
    message = refusal(copied)
    if name != MANIFEST:
        assert name in message
        assert "found SHA-256" in message
        assert "expected" in message


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    message = refusal(copied)
    assert name in message
    assert "copy the bundle again" in message


@pytest.mark.parametrize("cut", [0, 1000])
def test_a_cut_file_is_refused_by_its_size(copied: Path, cut: int) -> None:
    path = copied / "companion.float.tflite"
    size = path.stat().st_size
    write(path, path.read_bytes()[:cut])
    message = refusal(copied)
    assert f"found {cut} bytes, expected {size} bytes" in message


def test_a_folder_in_the_place_of_a_file_is_refused(copied: Path) -> None:
    (copied / "MODEL_CARD.md").unlink()
    (copied / "MODEL_CARD.md").mkdir()
    assert "MODEL_CARD.md: found no file" in refusal(copied)


def test_a_place_without_a_bundle_is_refused(tmp_path: Path) -> None:
    assert "no such folder; expected a bundle" in refusal(tmp_path / "nowhere")
    assert str(tmp_path / MANIFEST) in refusal(tmp_path)
    (tmp_path / "file").write_text("x")
    assert "file: is a file; expected a bundle, a folder" in refusal(tmp_path / "file")
    assert "no such folder" in refusal(tmp_path / ("x" * 300))


# --- manifests that are none ---


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"\xff\xfe\x00", b'{"schema_version": 1', b"[" * 100_000, b"9" * 10_000],
    ids=["empty", "text", "binary", "cut", "deep", "long number"],
)
def test_a_manifest_that_is_not_json_is_refused(copied: Path, content: bytes) -> None:
    write(copied / MANIFEST, content)
    message = refusal(copied)
    assert str(copied / MANIFEST) in message
    assert "not JSON" in message


@pytest.mark.parametrize("value", [[], "text", 3, None, [1, 2]])
def test_a_manifest_that_is_no_object_is_refused(copied: Path, value: object) -> None:
    write(copied / MANIFEST, json.dumps(value).encode())
    assert f"this version reads {SCHEMA_VERSION}" in refusal(copied)


def test_a_manifest_that_is_a_folder_is_refused(copied: Path) -> None:
    (copied / MANIFEST).unlink()
    (copied / MANIFEST).mkdir()
    assert f"{copied / MANIFEST}: cannot be read" in refusal(copied)


def test_a_huge_manifest_is_not_read(copied: Path) -> None:
    write(copied / MANIFEST, b" " * (MANIFEST_BYTES_MAX + 1))
    assert f"larger than {MANIFEST_BYTES_MAX} bytes" in refusal(copied)


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5, [1]])
def test_another_schema_version_is_refused(copied: Path, version: object) -> None:
    message = refusal_after(copied, lambda values: values.update(schema_version=version))
    assert f"schema_version is {version!r}; this version reads 1" in message


# --- values out of range ---


def _label(key: str, value: object) -> Callable[[Values], object]:
    return lambda values: values["labels"][3].__setitem__(key, value)


def _calibration(key: str, value: object) -> Callable[[Values], object]:
    return lambda values: values["labels"][3]["calibration"].__setitem__(key, value)


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (_label("threshold", float("nan")), "labels.3.threshold"),
        (_label("threshold", float("inf")), "labels.3.threshold"),
        (_label("threshold", 0), "labels.3.threshold"),
        (_label("threshold", 1), "labels.3.threshold"),
        (_label("threshold", -0.2), "labels.3.threshold"),
        (_label("threshold", None), "labels.3.threshold"),
        (_label("threshold", "high"), "labels.3.threshold"),
        (_label("id", ""), "labels.3.id"),
        (_label("name", "x" * 81), "labels.3.name"),
        (_label("support", -1), "labels.3.support"),
        (_calibration("slope", 0), "labels.3.calibration.slope"),
        (_calibration("slope", float("nan")), "labels.3.calibration.slope"),
        (_calibration("offset", float("-inf")), "labels.3.calibration.offset"),
        (lambda v: v["labels"][3].pop("threshold"), "labels.3.threshold"),
        (lambda v: v["labels"][3].pop("calibration"), "labels.3.calibration"),
        (lambda v: v.update(labels=[]), "labels"),
        (lambda v: v.update(positive_weight=0.5), "positive_weight"),
        (lambda v: v.update(positive_weight=float("nan")), "positive_weight"),
        (lambda v: v["preprocessing"].update(size_px=0), "preprocessing.size_px"),
        (lambda v: v["preprocessing"].update(resize="stretch"), "preprocessing.resize"),
        (lambda v: v["preprocessing"].update(colour="bgr"), "preprocessing.colour"),
        (lambda v: v["self_test"].update(tolerance=0), "self_test.tolerance"),
        (lambda v: v["self_test"].update(pictures=[]), "self_test.pictures"),
        (lambda v: v["files"]["classifier"].update(sha256="ABC"), "files.classifier.sha256"),
        (lambda v: v.update(surprise=1), "surprise"),
        (lambda v: v.pop("companion"), "companion"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_key(
    copied: Path, edit: Callable[[Values], object], named: str
) -> None:
    assert f"{MANIFEST}: {named}: " in refusal_after(copied, edit)


def test_a_refusal_says_what_was_found(copied: Path) -> None:
    assert "found -0.2" in refusal_after(copied, _label("threshold", -0.2))


def test_a_label_listed_twice_is_refused(copied: Path) -> None:
    first = manifest_of(copied)["labels"][0]["id"]
    message = refusal_after(copied, _label("id", first))
    assert f"labels listed twice: {first}" in message


@pytest.mark.parametrize("role", ["classifier", "companion", "model_card", "self_test_0"])
def test_a_role_without_an_entry_is_refused(copied: Path, role: str) -> None:
    message = refusal_after(copied, lambda values: values["files"].pop(role))
    assert f"files without an entry: {role}" in message


@pytest.mark.parametrize("path", ["../outside", "/etc/hostname", "a/../../b", "a\\b", "a\0b", "."])
def test_a_path_out_of_the_bundle_is_refused(copied: Path, path: str) -> None:
    edit_manifest(copied, lambda values: values["files"]["model_card"].update(path=path))
    message = refusal(copied)
    assert "model_card" in message
    assert "expected" in message


# --- models that do not fit ---


def _cut_labels(values: Values) -> None:
    del values["labels"][-1]
    for picture in values["self_test"]["pictures"]:
        del picture["logits"][-1]


def test_84_labels_with_a_model_of_85_are_refused(copied: Path) -> None:
    edit_manifest(copied, _cut_labels)
    message = refusal(copied)
    assert "classifier.int8.tflite: output is" in message
    assert "(1, 85)" in message
    assert "(1, 84)" in message


def test_84_labels_with_self_test_answers_for_85_are_refused(copied: Path) -> None:
    message = refusal_after(copied, lambda values: values["labels"].pop())
    assert "has 85 logits, 84 labels are listed" in message


def test_another_picture_size_than_the_models_is_refused(copied: Path) -> None:
    size = manifest_of(copied)["preprocessing"]["size_px"]
    edit_manifest(copied, lambda values: values["preprocessing"].update(size_px=size // 2))
    message = refusal(copied)
    assert "classifier.int8.tflite: input is" in message
    assert str(size // 2) in message


def test_another_grid_than_the_companions_is_refused(copied: Path) -> None:
    edit_manifest(copied, lambda values: values["companion"].update(grid=[3, 4]))
    message = refusal(copied)
    assert "companion.float.tflite: output is" in message
    assert "3, 4" in message


@dataclass(frozen=True)
class Shapes:
    """Stands in for an opened companion: `check_companion` looks at its shapes only."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


def with_more_outputs(bundle: Bundle, *shapes: tuple[int, ...]) -> Shapes:
    known = Interpreter(bundle.path("companion"), to_run=False)
    more = tuple((shape, np.dtype(np.float32)) for shape in shapes)
    return Shapes(known.inputs, known.outputs[:2] + more)


def test_a_companion_may_give_variants_too(shipped: Bundle) -> None:
    maps = (-1, *shipped.manifest.companion.grid)
    for more in ((), (maps,), (maps, maps)):
        check_companion(shipped, cast("Interpreter", with_more_outputs(shipped, *more)))


def test_a_companion_with_other_outputs_is_refused(shipped: Bundle) -> None:
    maps = (-1, *shipped.manifest.companion.grid)
    for shapes in ([(-1, 3, 4)], [maps, maps, maps], [(1, 85)]):
        with pytest.raises(BundleError, match=r"companion\.float\.tflite: output is"):
            check_companion(shipped, cast("Interpreter", with_more_outputs(shipped, *shapes)))


@pytest.mark.parametrize("role", ["classifier", "companion"])
def test_another_model_with_the_right_checksum_is_refused(copied: Path, role: str) -> None:
    path = replace_file(copied, role, TINY_MODEL)
    message = refusal(copied)
    assert str(path) in message
    assert "the manifest promises" in message


def test_swapped_models_are_refused(copied: Path) -> None:
    def swap(values: Values) -> None:
        files = values["files"]
        files["classifier"], files["companion"] = files["companion"], files["classifier"]

    edit_manifest(copied, swap)
    assert "companion.float.tflite: input is" in refusal(copied)


@pytest.mark.parametrize("role", ["classifier", "companion"])
def test_a_file_that_is_no_model_is_refused(copied: Path, role: str) -> None:
    path = replace_file(copied, role, b"no model at all, and long enough to look like one" * 9)
    assert str(path) in refusal(copied)


# --- the self-test ---


def _answers(values: Values) -> list[list[float]]:
    return [picture["logits"] for picture in values["self_test"]["pictures"]]


def test_this_runtime_gives_the_trainers_answers(shipped: Bundle) -> None:
    measure = replay_self_test(shipped, Interpreter(shipped.path("classifier")))
    # Other kernels may round differently, and still have room left.
    assert 0 <= measure < 0.8 * shipped.manifest.self_test.tolerance


def test_a_bundle_remembers_how_its_self_test_went(copied: Path) -> None:
    def edit(values: Values) -> None:
        values["self_test"]["pictures"][1]["logits"][0] += 3.0

    edit_manifest(copied, edit)
    found = read_bundle(copied).self_test
    answers = np.array([p["logits"] for p in manifest_of(copied)["self_test"]["pictures"]])
    spread = np.abs(answers - answers.mean()).mean()
    assert [one.role for one in found] == [f"self_test_{i}" for i in range(4)]
    # Of one picture a single logit is off by 3, but for what this runtime rounds otherwise.
    assert found[1].largest_off == pytest.approx(3.0, abs=1.0)
    assert found[1].measure >= found[1].largest_off / LONE_LOGIT_ROOM / spread - 1e-9
    assert all(one.milliseconds > 0 for one in found)


def test_shuffled_labels_are_refused(copied: Path) -> None:
    def shuffle(values: Values) -> None:
        order = np.random.default_rng(0).permutation(len(values["labels"]))
        for logits in _answers(values):
            logits[:] = [logits[i] for i in order]

    edit_manifest(copied, shuffle)
    assert "self-test: found logits off by" in refusal(copied)


def test_labels_moved_by_one_are_refused(copied: Path) -> None:
    def move(values: Values) -> None:
        for logits in _answers(values):
            logits.append(logits.pop(0))

    edit_manifest(copied, move)
    message = refusal(copied)
    assert "self_test/" in message
    assert "expected at most" in message


def test_another_picture_is_refused(copied: Path) -> None:
    answers = np.array(_answers(manifest_of(copied)))
    one, other = max(
        combinations(range(len(answers)), 2),
        key=lambda pair: float(np.abs(answers[pair[0]] - answers[pair[1]]).mean()),
    )
    wrong = (copied / manifest_of(copied)["files"][f"self_test_{other}"]["path"]).read_bytes()
    path = replace_file(copied, f"self_test_{one}", wrong)
    assert f"{path}: self-test: " in refusal(copied)


def test_one_answer_that_is_far_off_is_refused(copied: Path) -> None:
    def spoil(values: Values) -> None:
        answers = np.array(_answers(values))
        room = 6 * values["self_test"]["tolerance"]
        values["self_test"]["pictures"][1]["logits"][7] += (
            2 * room * float(np.abs(answers - answers.mean()).mean())
        )

    edit_manifest(copied, spoil)
    assert "self-test: " in refusal(copied)


def test_other_rounding_is_accepted(copied: Path, shipped: Bundle) -> None:
    """Every logit a step of int8 off, as another runtime's kernels do."""
    model = Interpreter(shipped.path("classifier"))
    answers = np.array([picture.logits for picture in shipped.manifest.self_test.pictures])
    spread = float(np.abs(answers - answers.mean()).mean())

    def round_otherwise(values: Values) -> None:
        noise = np.random.default_rng(0)
        for picture in values["self_test"]["pictures"]:
            path = copied / values["files"][picture["role"]]["path"]
            image = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
            (logits,) = model.run(image[None])
            off = noise.choice([-0.1, 0.1], len(picture["logits"])) * spread
            picture["logits"] = (logits[0] + off).tolist()

    edit_manifest(copied, round_otherwise)
    read_bundle(copied)


def _gone_around(operators: list[dict[str, Any]]) -> set[int]:
    """Tensors that only operators read whose input also goes around them, to an ADD after them."""
    made_by = {int(tensor): n for n, op in enumerate(operators) for tensor in op["outputs"]}
    found: set[int] = set()
    for number, operator in enumerate(operators):
        if operator["op_name"] == "ADD":
            first = min(made_by[int(tensor)] for tensor in operator["inputs"])
            for between in operators[first + 1 : number]:
                found.update(int(tensor) for tensor in between["inputs"])
    return found


def _large_weights(shipped: Bundle) -> list[bytes]:
    """The weights of the classifier's larger layers that no sum goes around, as in its file."""
    content = shipped.path("classifier").read_bytes()
    engine: Any = Interpreter(shipped.path("classifier"))._engine
    around = _gone_around(engine._get_ops_details())
    found = []
    for detail in engine.get_tensor_details():
        if detail["index"] in around:
            continue
        if detail["dtype"] == np.int8 and len(detail["shape"]) in (2, 4):
            try:
                weights = engine.get_tensor(detail["index"]).tobytes()
            except ValueError:
                continue
            if len(weights) > 4000 and content.count(weights) == 1:
                found.append(weights)
    return found


def test_shuffled_weights_are_refused(shipped: Bundle, tmp_path: Path) -> None:
    content = shipped.path("classifier").read_bytes()
    layers = _large_weights(shipped)
    assert len(layers) >= 3
    for number, weights in enumerate(layers):
        shuffled = np.random.default_rng(0).permutation(np.frombuffer(weights, np.uint8)).tobytes()
        folder = copy_bundle(tmp_path / str(number))
        replace_file(folder, "classifier", content.replace(weights, shuffled))
        assert "self-test: found logits off by" in refusal(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"no picture", "JPEG and PNG"),
        (cv2.imencode(".png", np.zeros((8, 9, 3), np.uint8))[1].tobytes(), "found (8, 9, 3)"),
    ],
    ids=["empty", "text", "small"],
)
def test_an_unreadable_self_test_picture_is_refused(
    copied: Path, content: bytes, said: str
) -> None:
    path = replace_file(copied, "self_test_0", content)
    message = refusal(copied)
    assert str(path) in message
    assert said in message
    assert "xpected a self-test picture of" in message


# --- writing ---


def test_what_is_written_is_what_is_read(tmp_path: Path, shipped: Bundle) -> None:
    values, files = parts_of(SHIPPED_BUNDLE)
    written = write_bundle(tmp_path / "new" / "bundle", values, files)
    assert written.manifest == shipped.manifest
    assert written.folder == tmp_path / "new" / "bundle"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bundle"]
    assert written.folder.stat().st_mode & 0o777 == 0o755


def test_a_written_bundle_replaces_the_one_before(tmp_path: Path) -> None:
    values, files = parts_of(SHIPPED_BUNDLE)
    write_bundle(tmp_path / "bundle", values, files)
    again = write_bundle(tmp_path / "bundle", {**values, "name": "second"}, files)
    assert again.manifest.name == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_writing_loses_nothing_that_is_no_part_of_a_bundle(tmp_path: Path) -> None:
    values, files = parts_of(SHIPPED_BUNDLE)
    write_bundle(tmp_path / "bundle", values, files)
    (tmp_path / "bundle" / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"holds 'notes\.txt'"):
        write_bundle(tmp_path / "bundle", {**values, "name": "second"}, files)
    assert (tmp_path / "bundle" / "notes.txt").read_text() == "mine"


def test_a_manifest_that_was_edited_is_refused(copied: Path) -> None:
    values = manifest_of(copied)
    values["labels"].reverse()
    write(copied / MANIFEST, json.dumps(values).encode())
    message = refusal(copied)
    assert f"{copied / MANIFEST}: found contents of seal" in message
    assert "expected" in message


def test_what_the_device_would_refuse_is_not_written(tmp_path: Path) -> None:
    values, files = parts_of(SHIPPED_BUNDLE)
    write_bundle(tmp_path / "bundle", {**values, "name": "first"}, files)
    with pytest.raises(BundleError, match="positive_weight"):
        write_bundle(tmp_path / "bundle", {**values, "positive_weight": 0}, files)
    assert read_bundle(tmp_path / "bundle").manifest.name == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]

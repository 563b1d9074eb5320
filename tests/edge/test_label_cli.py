"""`bricksight-edge label`: any picture is labelled or refused, and the others still are."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_copies import edit_manifest, report_every_label
from PIL import ExifTags, Image
from typer.testing import CliRunner, Result

import edge.cli
from edge.bundle import Bundle
from edge.config import SHIPPED_BUNDLE
from edge.errors import ExplainError
from edge.explain.layout import PANEL_PX
from edge.pictures import read_picture

ROOT = Path(__file__).parents[2]
STAGES = {"read", "classify"}


def scene(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    """Coarse coloured noise, that survives JPEG."""
    cells = np.random.default_rng(seed).integers(0, 256, (height // 30, width // 30, 3))
    return cells.astype(np.uint8).repeat(30, 0).repeat(30, 1)


def save(path: Path, image: np.ndarray | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene() if image is None else image).save(path, **options)
    return path


def label(*arguments: object) -> Result:
    return CliRunner().invoke(edge.cli.app, ["label", *map(str, arguments)])


def objects(result: Result) -> list[dict[str, Any]]:
    """Each line of standard output as an object."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def labelled(*arguments: object) -> dict[str, Any]:
    """The one object of a picture that has to be labelled."""
    result = label("--json", *arguments)
    assert result.exit_code == 0, result.output
    (found,) = objects(result)
    assert "error" not in found
    return found


def refused(*arguments: object) -> str:
    """The error of the one picture that has to be refused."""
    result = label("--json", *arguments)
    assert result.exit_code == 1
    (found,) = objects(result)
    assert set(found) == {"picture", "error"}
    return str(found["error"])


# --- what is printed ---


def test_an_object_holds_what_is_promised(tmp_path: Path, shipped: Bundle) -> None:
    path = save(tmp_path / "pile.png")
    found = labelled(path)
    unsure = [] if found["labels"] else ["not_sure"]
    assert list(found) == ["picture", "labels", *unsure, "probabilities", "model", "milliseconds"]
    assert found["picture"] == str(path)
    assert list(found["probabilities"]) == [label.id for label in shipped.labels]
    assert all(0 <= p <= 1 for p in found["probabilities"].values())
    assert found["model"] == shipped.sha256
    assert set(found["milliseconds"]) == STAGES
    assert all(time >= 0 for time in found["milliseconds"].values())
    thresholds = {label.id: t for label, t in zip(shipped.labels, shipped.thresholds, strict=True)}
    names = {label.id: label.name for label in shipped.labels}
    for entry in found["labels"]:
        assert list(entry) == ["id", "name", "confidence", "threshold"]
        assert entry["name"] == names[entry["id"]]
        assert entry["confidence"] == found["probabilities"][entry["id"]]
        assert entry["threshold"] == pytest.approx(thresholds[entry["id"]], abs=1e-6)
    present = {entry["id"] for entry in found["labels"]}
    for name, probability in found["probabilities"].items():
        if abs(probability - thresholds[name]) > 1e-5:
            assert (name in present) == (probability > thresholds[name])
    confidences = [entry["confidence"] for entry in found["labels"]]
    assert confidences == sorted(confidences, reverse=True)


def test_a_line_for_people_names_the_labels(tmp_path: Path) -> None:
    path = save(tmp_path / "pile.png")
    result = label(path)
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{path}: ")
    expected = [entry["id"] for entry in labelled(path)["labels"]]
    assert all(part in line for part in expected or ["not sure"])


def test_pictures_come_in_order_and_one_failure_spares_the_others(tmp_path: Path) -> None:
    first, last = save(tmp_path / "1.png"), save(tmp_path / "3.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    result = label("--json", first, tmp_path / "2.png", last)
    assert result.exit_code == 1
    found = objects(result)
    assert [entry["picture"] for entry in found] == [
        str(tmp_path / name) for name in ("1.png", "2.png", "3.png")
    ]
    assert ["error" in entry for entry in found] == [False, True, False]
    assert "1 of 3 failed" in result.stderr


def test_errors_for_people_are_not_on_standard_output(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    result = label(tmp_path / "a.png")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert str(tmp_path / "a.png") in result.stderr.replace("\n", "")


# --- what is named ---


def test_folders_and_globs_stand_for_their_pictures(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "below" / "b.jpg")
    save(tmp_path / "c.JPEG")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    folder = objects(label("--json", tmp_path / "in"))
    assert [Path(entry["picture"]).name for entry in folder] == ["a.png", "b.jpg"]
    globbed = objects(label("--json", f"{tmp_path}/**/*.[jJ]*"))
    assert {Path(entry["picture"]).name for entry in globbed} == {"b.jpg", "c.JPEG"}


def test_a_folder_without_pictures_fails_by_itself(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    path = save(tmp_path / "a.png")
    result = label("--json", tmp_path / "empty", path, f"{tmp_path}/*.jpg")
    assert result.exit_code == 1
    first, second, third = objects(result)
    assert first == {"picture": str(tmp_path / "empty"), "error": first["error"]}
    assert "holds no pictures" in first["error"]
    assert second["picture"] == str(path)
    assert "matches no pictures" in third["error"]


def test_a_picture_that_is_not_there_fails(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nowhere.png")


def test_an_empty_name_is_refused_and_is_not_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert "An empty name was given" in refused("")


def test_a_name_too_long_to_be_examined_fails_by_itself(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    result = label("--json", "x" * 300, "y" * 300 + "*", path)
    assert result.exit_code == 1
    first, second, third = objects(result)
    assert "File name too long" in first["error"]
    assert "matches no pictures" in second["error"]
    assert third["picture"] == str(path)


def test_a_file_named_twice_is_labelled_once_under_its_first_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to("a.png")
    monkeypatch.chdir(tmp_path)
    result = label("--json", "a.png", "./a.png", tmp_path / "a.png", "link.png", ".", "*.png")
    assert result.exit_code == 0
    assert [entry["picture"] for entry in objects(result)] == ["a.png"]


def test_a_folder_that_cannot_be_listed_fails_beside_the_pictures_found(
    tmp_path: Path, unlistable: Path
) -> None:
    path = save(tmp_path / "a.png")
    result = label("--json", tmp_path)
    assert result.exit_code == 1
    first, second = objects(result)
    assert first["picture"] == str(path)
    assert second["picture"] == str(tmp_path)
    assert f"folder {unlistable} cannot be listed (Permission denied)" in second["error"]


# --- bad pictures ---


def encoded(kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, kind)
    return buffer.getvalue()


def huge_png() -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + header


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("truncated.jpg", encoded()[:-400], "truncated"),
        ("truncated.png", encoded("PNG")[:-40], "truncated"),
        ("empty.jpg", b"", "is empty"),
        ("huge.png", huge_png(), "50,000 x 50,000 pixels"),
        ("text.jpg", b"Dear reader, this is no picture.", "JPEG"),
    ],
)
def test_a_bad_picture_is_refused_with_its_name(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    error = refused(tmp_path / name)
    assert str(tmp_path / name) in error
    assert said in error


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    path.unlink()
    path.symlink_to(path)
    assert "cannot be read" in refused(path)


def ids(found: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in found["labels"]]


def test_a_16_bit_picture_is_labelled_as_its_8_bit_one(tmp_path: Path) -> None:
    grey = scene()[..., 0]
    wide = Image.fromarray(grey.astype(np.uint16) * 257)
    wide.save(tmp_path / "wide.png")
    with Image.open(tmp_path / "wide.png") as written:
        assert written.mode.startswith("I")
    save(tmp_path / "narrow.png", grey)
    wide_found, narrow_found = labelled(tmp_path / "wide.png"), labelled(tmp_path / "narrow.png")
    assert wide_found["probabilities"] == narrow_found["probabilities"]


def test_a_grey_picture_is_labelled_as_its_rgb_one(tmp_path: Path) -> None:
    grey = scene()[..., 0]
    save(tmp_path / "grey.png", grey)
    save(tmp_path / "rgb.png", np.stack([grey] * 3, axis=-1))
    first, second = labelled(tmp_path / "grey.png"), labelled(tmp_path / "rgb.png")
    assert first["probabilities"] == second["probabilities"]


def test_a_cmyk_picture_is_labelled(tmp_path: Path) -> None:
    Image.fromarray(scene()).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    labelled(tmp_path / "cmyk.jpg")


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_picture_is_labelled_as_the_upright_one(tmp_path: Path, orientation: int) -> None:
    upright = Image.fromarray(scene())
    # What a camera held that way stores: turned back by the viewer, it is upright.
    turn = {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    upright.save(tmp_path / "upright.png")
    upright.transpose(turn[orientation]).save(tmp_path / "turned.png", exif=exif)
    turned = labelled(tmp_path / "turned.png")
    straight = labelled(tmp_path / "upright.png")
    assert ids(turned) == ids(straight)
    assert turned["probabilities"] == straight["probabilities"]


# --- explanations ---


def test_each_picture_gets_its_sheet(tmp_path: Path) -> None:
    """Also where two have the same name in two folders."""
    for folder in ("a", "b", "c"):
        save(tmp_path / folder / "pile.png", scene(seed=ord(folder)))
    save(tmp_path / "c" / "pile-2.png")
    out = tmp_path / "out" / "deep"
    result = label("--json", "--explain", out, *(tmp_path / folder for folder in "abc"))
    assert result.exit_code == 0, result.output
    assert len(objects(result)) == 4
    assert set(objects(result)[0]["milliseconds"]) == {*STAGES, "explain"}
    sheets = sorted(out.iterdir())
    assert len(sheets) == 4
    assert len({path.read_bytes() for path in sheets}) == 4
    for path in sheets:
        # The pile, and at least one map beside it.
        assert read_picture(path).shape[1] >= 2 * PANEL_PX


def test_sheets_beside_their_pictures_replace_none_and_are_not_labelled(tmp_path: Path) -> None:
    pictures = [save(tmp_path / name) for name in ("pile.jpg", "pile.png")]
    before = [path.read_bytes() for path in pictures]
    for _ in range(2):
        result = label("--json", "--explain", tmp_path, tmp_path)
        assert result.exit_code == 0
        assert [entry["picture"] for entry in objects(result)] == [str(p) for p in pictures]
    assert [path.read_bytes() for path in pictures] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "pile-2.gradcam.png",
        "pile.gradcam.png",
        "pile.jpg",
        "pile.png",
    ]


def test_a_sheet_does_not_replace_a_picture_that_is_labelled_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "pile.jpg")
    other = save(tmp_path / "pile.gradcam.png")
    before = other.read_bytes()
    monkeypatch.chdir(tmp_path)
    result = label("--json", "--explain", tmp_path, "pile.jpg", "pile.gradcam.png")
    assert result.exit_code == 1
    first, second = objects(result)
    assert "is to be labelled too" in first["error"]
    assert "error" not in second
    assert other.read_bytes() == before


def test_a_failed_picture_gets_no_sheet(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    good = save(tmp_path / "good.png")
    result = label("--explain", tmp_path / "out", tmp_path / "bad.png", good)
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.gradcam.png"]
    assert "1 pictures explained" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("scale", ["nan", "-1", "0", "inf", "abc", ""])
def test_a_scale_that_is_none_is_refused_before_a_folder_is_made(
    tmp_path: Path, scale: str
) -> None:
    out = tmp_path / "out"
    result = label("--explain", out, "--scale", scale, save(tmp_path / "a.png"))
    assert result.exit_code == 2
    assert "--scale" in result.output
    assert not out.exists()


def test_without_the_stock_package_its_engine_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lime.lime_image", None)
    out, picture = tmp_path / "out", save(tmp_path / "a.png")
    options = ["--explain", out, "--method", "lime", "--engine", "lime"]
    result = label(*options, picture)
    assert result.exit_code == 1
    assert isinstance(result.exception, ExplainError)
    assert "pip install 'bricksight[lime]'" in str(result.exception)
    assert not result.stdout
    assert not out.exists()


def test_json_says_how_far_lime_can_be_believed(tmp_path: Path) -> None:
    picture = save(tmp_path / "a.png")
    found = labelled("--explain", tmp_path / "out", "--method", "lime", "--samples", 128, picture)[
        "explained"
    ]
    assert (found["engine"], found["design"], found["samples"]) == ("bricksight", "hadamard", 128)
    assert found["ended"] == "budget"
    for row in found["labels"]:
        assert {"max", "no_evidence", "r2", "standard_error", "stability"} < set(row)
        assert 0 <= row["stability"] <= 1


# --- the command itself ---


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The installed command in a process of its own."""
    call = "import sys; from edge.cli import main; sys.argv[0] = 'bricksight-edge'; main()"
    return subprocess.run(
        [sys.executable, "-c", call, *map(os.fspath, arguments)],  # type: ignore[call-overload]
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


def test_standard_output_holds_json_and_nothing_else(tmp_path: Path) -> None:
    save(tmp_path / "Stein grün.png")
    save(tmp_path / "b.png")
    # A name that is no text in any encoding.
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/c\xff.png")
    os.link(tmp_path / "b.png", odd)
    done = command("label", "--json", tmp_path, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [entry["picture"] for entry in found] == sorted(
        [str(tmp_path / "Stein grün.png"), str(tmp_path / "b.png"), odd]
    )
    assert b"labelling" not in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_name_that_is_no_text_is_printed_for_people(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/c\xff.png"))
    done = command("label", tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"c\\udcff.png: " in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_for_the_output_is_one_message(tmp_path: Path, options: list[str]) -> None:
    call = "import sys; from edge.cli import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", call, "label", *options, save(tmp_path / "a.png")],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    # The model runtime may log its start before.
    assert done.stderr.endswith(
        "error: standard output cannot be written (No space left on device); make room, or send "
        "it elsewhere\n"
    )
    assert "Traceback" not in done.stderr


def test_a_name_with_a_dash_in_front_is_labelled_after_two_dashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "-dash.png")
    monkeypatch.chdir(tmp_path)
    assert labelled("--", "-dash.png")["picture"] == "-dash.png"


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """`main` as the installed command calls it; its exit code."""
    monkeypatch.setattr(sys, "argv", ["bricksight-edge", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        edge.cli.main()
    return int(ended.value.code or 0)


def test_an_unreadable_bundle_is_one_message(
    tmp_path: Path,
    copied: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = save(tmp_path / "a.png")
    edit_manifest(copied, lambda values: values.update(schema_version=2))
    assert run_main(monkeypatch, "label", "--bundle", copied, "--json", path) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {copied / 'manifest.json'}: schema_version is 2")


def test_another_bundle_is_taken_when_named(tmp_path: Path, copied: Path) -> None:
    path = save(tmp_path / "a.png")
    edit_manifest(copied, report_every_label)
    count = len(json.loads((SHIPPED_BUNDLE / "manifest.json").read_text())["labels"])
    assert len(labelled("--bundle", copied, path)["labels"]) == count


def test_a_place_where_no_sheet_can_be_written_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "a.png")
    assert run_main(monkeypatch, "label", "--explain", path, path) == 1
    assert "no folder can be made there" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["label"], ["label", "--threads", "0", "a.png"], ["label", "--nonsense", "a"]]
)
def test_a_wrong_call_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run_main(monkeypatch, *arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


# --- tiles ---


def test_tiles_say_which_part_of_the_picture_a_label_speaks_from(tmp_path: Path) -> None:
    save(tmp_path / "piles" / "large.png", scene(300, 390))
    save(tmp_path / "piles" / "other.png", scene(390, 300, seed=1))
    result = label("--json", "--tiles", tmp_path / "piles")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    large, other = objects(result)
    # Six tenths of 390 and 300 pixels are 234 and 180.
    parts = {(0, 0), (156, 0), (0, 120), (156, 120)}
    wide = [[0, 0, 390, 300], *([x, y, x + 234, y + 180] for x, y in parts)]
    high = [[0, 0, 300, 390], *([y, x, y + 180, x + 234] for x, y in parts)]
    for found, allowed in ((large, wide), (other, high)):
        shown = found["labels"] or found["not_sure"]
        assert shown
        assert all(entry["window"] in allowed for entry in shown)
    plain = labelled(tmp_path / "piles" / "large.png")
    assert all("window" not in entry for entry in plain["labels"] or plain["not_sure"])
    # The whole picture is looked at, too.
    assert all(large["probabilities"][part] >= p for part, p in plain["probabilities"].items())


def test_tiles_of_tiny_pictures_are_told_of_once_and_the_whole_is_looked_at(
    tmp_path: Path,
) -> None:
    for number in range(2):
        save(tmp_path / f"tiny{number}.png", scene(seed=number))
    result = label("--json", "--tiles", tmp_path)
    assert result.exit_code == 0
    assert result.stderr.count("too small for --tiles") == 1
    assert "2 of 2 are too small for --tiles" in result.stderr
    for found in objects(result):
        plain = labelled(found["picture"])
        assert found["labels"] == plain["labels"]
        assert found["probabilities"] == plain["probabilities"]


@pytest.mark.parametrize("method", ["grad-cam", "lime"])
def test_tiles_are_explained_each_on_its_own_part(
    tmp_path: Path, copied: Path, method: str
) -> None:
    picture, out = save(tmp_path / "large.png", scene(300, 390)), tmp_path / "out"
    edit_manifest(copied, report_every_label)
    speaking = labelled("--bundle", copied, "--tiles", picture)["labels"]
    by_window = {tuple(entry["window"]): entry["id"] for entry in speaking}
    chosen = list(by_window.values())[:4]

    def report_chosen(manifest: dict[str, Any]) -> None:
        for entry in manifest["labels"]:
            entry["reported"] = entry["id"] in chosen

    edit_manifest(copied, report_chosen)
    options = ["--tiles", "--explain", out, "--method", method, "--samples", 16]
    found = labelled("--bundle", copied, *options, picture)
    told = found["explained"]
    rows = [row for part in told.get("windows", [told]) for row in part["labels"]]
    assert sorted(row["id"] for row in rows) == sorted(entry["id"] for entry in found["labels"])
    assert {entry["id"] for entry in found["labels"]} == set(chosen)
    assert len({tuple(entry["window"]) for entry in found["labels"]}) == len(chosen) > 1
    suffix = "gradcam" if method == "grad-cam" else method
    assert read_picture(out / f"large.{suffix}.png").size

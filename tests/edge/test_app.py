"""The whole device: it starts, is reachable, survives what is missing, and leaves nothing."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from bundle_copies import edit_manifest
from typer.testing import CliRunner

import edge.app
import edge.check
import edge.cli
import edge.serving
from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from edge.app import App
from edge.check import check_all
from edge.classifier import Classifier
from edge.config import read_config
from edge.errors import BundleError, ConfigError, InterpreterError, JournalError

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "edge" / "demo"
WAIT_S = 60
BEARER: dict[str, str] = {}
"""Of the app that was built last."""


def demo(folder: Path, **changes: str) -> Path:
    """The demo's edge.toml, on any free port, with lines replaced by those given."""
    text = (DEMO / "edge.toml").read_text(encoding="utf-8")
    lines = {
        "source": f'source = "{DEMO / "pile.mp4"}"',
        "port": "port = 0",
        "path": 'path = "journal.sqlite"',
        **changes,
    }
    done = [lines.pop(line.partition(" ")[0], line) for line in text.splitlines()]
    assert not lines, f"not in the demo's edge.toml: {lines}"
    path = folder / "edge.toml"
    path.write_text("\n".join(done), encoding="utf-8")
    return path


def token_for(folder: Path) -> str:
    """An admin's token at the device whose journal is in a folder."""
    with AccessStore(access_path(folder / "journal.sqlite")) as store:
        return Tokens(store).add(f"t{time.monotonic_ns()}", Role.ADMIN)


def build(folder: Path, **changes: str) -> App:
    app = App(read_config(demo(folder, **changes)))
    BEARER["Authorization"] = f"Bearer {token_for(folder)}"
    return app


@contextmanager
def running(app: App) -> Iterator[App]:
    app.start()
    try:
        yield app
    finally:
        app.stop()


def get(address: str) -> bytes:
    request = urllib.request.Request(address, headers=BEARER)
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        found: bytes = answer.read()
        return found


def state_of(address: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(f"{address}api/state"))
    return found


def post(address: str, path: str, body: bytes = b"") -> int:
    request = urllib.request.Request(f"{address}{path}", body, BEARER)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return int(answer.status)


def until(holds: Callable[[], Any], what: str) -> Any:
    """Ask again and again, for as long as anybody would wait."""
    pause = threading.Event()
    for _ in range(WAIT_S * 20):
        if found := holds():
            return found
        pause.wait(0.05)
    pytest.fail(f"never happened: {what}")


def shown(address: str, holds: Callable[[dict[str, Any]], Any], what: str) -> dict[str, Any]:
    """The state of the page, once it holds."""

    def asked() -> dict[str, Any] | None:
        found = state_of(address)
        return found if holds(found) else None

    found: dict[str, Any] = until(asked, what)
    return found


def left_over(before: set[threading.Thread]) -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread not in before}


def assert_free(address: str) -> None:
    port = int(address.rstrip("/").rpartition(":")[2])
    socket.create_server(("127.0.0.1", port)).close()


# --- it runs ---


def test_the_demo_sees_labels_explains_and_stops(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    app = build(tmp_path)
    with running(app):
        address = app.address
        assert address.startswith("http://127.0.0.1:")
        assert b"<html" in get(address)
        assert json.loads(get(f"{address}livez")) == {"ok": True}
        state = shown(address, lambda s: s["explanation"], "a frame is explained")
        assert state["frame"]["sequence"] >= 0
        assert state["camera"]["state"] == "live"
        assert state["machine"]["condition"] == "armed"
        assert state["about"]["labels"] == 85
        assert get(f"{address}frame.jpg").startswith(b"\xff\xd8")
        assert post(address, "api/stop") == 202
        state = shown(address, lambda s: s["machine"]["condition"] == "safe", "STOP arrives")
        assert "STOP was pressed" in state["machine"]["reason"]
        # The picture goes on.
        sequence = state["frame"]["sequence"]
        shown(address, lambda s: s["frame"]["sequence"] > sequence, "another frame")
    assert left_over(before) == set()
    assert app.failure is None
    assert_free(address)


def test_what_was_seen_is_in_the_journal_afterwards(tmp_path: Path) -> None:
    with running(build(tmp_path)) as app:
        shown(app.address, lambda s: s["decision"], "an item is decided")
    again = build(tmp_path)
    try:
        with running(again):
            state = shown(again.address, lambda s: s["recent"], "the rows of before")
            assert state["balance"]["reconciles"]
            assert state["balance"]["seen"] >= 1
    finally:
        again.stop()


def test_an_app_that_never_started_leaves_nothing(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    app = build(tmp_path)
    address = app.address
    app.stop()
    app.stop()
    assert left_over(before) == set()
    assert_free(address)
    build(tmp_path).stop()


def test_a_huge_request_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with running(build(tmp_path)) as app:
        with pytest.raises((urllib.error.HTTPError, ConnectionError, urllib.error.URLError)):
            post(app.address, "api/arm", b" " * (edge.serving.REQUEST_BYTES_MAX + 1))
        assert state_of(app.address)


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    app = build(tmp_path)
    with running(app):
        assert not app.wait(0)
        app.end()
        assert app.wait(0)
    assert app.failure is None


# --- what is missing or breaks ---


def test_a_port_in_use_is_refused_with_the_mend(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            build(tmp_path, port=f"port = {port}")
    assert f"dashboard.port: {port} on 127.0.0.1 cannot be used" in str(refused.value)
    assert "stop what uses it, or set another [dashboard] port" in str(refused.value)
    # Nothing else was kept open.
    build(tmp_path).stop()


@pytest.mark.parametrize("path", ["file/journal.sqlite", "folder"])
def test_a_journal_that_cannot_be_written_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "folder").mkdir()
    before = set(threading.enumerate())
    with pytest.raises(JournalError) as refused:
        build(tmp_path, path=f'path = "{path}"')
    assert str(tmp_path / path) in str(refused.value)
    assert left_over(before) == set()


def test_a_damaged_journal_is_refused_before_any_machine_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("edge.app.open_driver", lambda *arguments: opened.append(arguments))
    (tmp_path / "journal.sqlite").write_bytes(b"SQLite format 3\0" + bytes(8000))
    with pytest.raises(JournalError, match=r"journal\.sqlite: .*; move .* away"):
        build(tmp_path)
    assert opened == []


def test_two_apps_do_not_share_a_journal(tmp_path: Path) -> None:
    with running(build(tmp_path)), pytest.raises(JournalError, match="another process"):
        build(tmp_path)


def test_a_wrong_bundle_is_refused(tmp_path: Path, copied: Path) -> None:
    edit_manifest(copied, lambda values: values.update(schema_version=7))
    path = demo(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}\n[bundle]\npath = "{copied}"\n', encoding="utf-8")
    with pytest.raises(BundleError, match="schema_version is 7"):
        App(read_config(path))


def test_what_was_opened_is_closed_when_a_later_part_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise InterpreterError("no memory for the model")

    with monkeypatch.context() as patched:
        patched.setattr(edge.app, "Classifier", broken)
        with pytest.raises(InterpreterError):
            build(tmp_path)
    # The journal is not held any more.
    build(tmp_path).stop()


def test_a_camera_that_is_not_there_is_said_on_the_page(tmp_path: Path) -> None:
    with running(build(tmp_path, source='source = "nowhere.mp4"')) as app:
        state = shown(app.address, lambda s: s["camera"]["problem"], "the camera is missed")
        assert "nowhere.mp4 is not there" in state["camera"]["problem"]
        assert state["camera"]["state"] == "reconnecting"
        assert state["frame"] is None
        assert b"<html" in get(app.address)
        # It is opened beside the frames, and may come later than what the camera has to say.
        shown(app.address, lambda s: s["machine"]["condition"] == "armed", "the machine comes")
        assert post(app.address, "api/stop") == 202
        shown(app.address, lambda s: s["machine"]["condition"] == "safe", "STOP arrives")


def short_video(path: Path, frames: int = 6) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (128, 96))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((96, 128, 3), 20 * number, np.uint8))
    writer.release()
    return path


def test_a_video_that_ends_ends_nothing_else(tmp_path: Path) -> None:
    short_video(tmp_path / "short.avi")
    with running(build(tmp_path, source='source = "short.avi"\nloop = false')) as app:
        state = shown(app.address, lambda s: s["camera"]["state"] == "closed", "the video ends")
        assert "no frame left to show" in state["camera"]["problem"]
        assert state["frame"] is not None
        assert state["counters"]["frames_seen"] >= 1
        assert json.loads(get(f"{app.address}livez")) == {"ok": True}
        assert not app.wait(0)
    assert app.failure is None


def test_a_pipeline_that_breaks_stops_the_machine_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    before = set(threading.enumerate())
    monkeypatch.setattr(Classifier, "classify", broken)
    app = build(tmp_path)
    with running(app):
        assert app.wait(WAIT_S)
        until(lambda: app.board.current().machine_problem == "closed", "the machine is let go")
        assert app.failure == "pipeline: RuntimeError: out of memory"
        with pytest.raises(urllib.error.HTTPError) as down:
            get(f"{app.address}readyz")
        assert down.value.code == 503
        down.value.close()
        assert "out of memory" in state_of(app.address)["problem"]
    assert left_over(before) == set()


# --- the command ---


@contextmanager
def command(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The installed command in a process of its own."""
    call = "import sys; from edge.cli import main; sys.argv[0] = 'bricksight-edge'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", call, *map(os.fspath, arguments)],  # type: ignore[call-overload]
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_prints_one_address_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with command("run", "--config", demo(tmp_path)) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("Bricksight is at http://127.0.0.1:")
        token = process.stdout.readline()
        assert re.search(r"set-up token: [A-Z0-9]{4}(-[A-Z0-9]{4}){3}$", token)
        BEARER["Authorization"] = f"Bearer {token_for(tmp_path)}"
        shown(first.split()[3], lambda s: s["frame"], "a frame is seen")
        process.send_signal(number)
        rest, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, errors
    assert rest == "ended\n"
    assert "Traceback" not in errors
    assert "WARNING" not in errors
    assert "ERROR" not in errors


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """`main` as the installed command calls it; its exit code."""
    monkeypatch.setattr(sys, "argv", ["bricksight-edge", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        edge.cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fps": "fsp = 10"}, "camera.fsp: unknown key"),
        ({"driver": 'driver = "simulatd"'}, "machine.driver: found 'simulatd'"),
        ({"review_bin": 'review_bin = "revue"'}, "review_bin is 'revue', which does not exist"),
    ],
)
def test_run_with_a_wrong_file_is_one_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    said: str,
) -> None:
    path = demo(tmp_path, **changes)
    assert run_main(monkeypatch, "run", "--config", path) == 1
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: {path}, line ")
    assert said in errors


@pytest.mark.parametrize("options", [[], ["--verbose"]])
def test_run_logs_what_it_runs_only_when_asked(tmp_path: Path, options: list[str]) -> None:
    path = demo(tmp_path, source='source = "http://me:sesame@127.0.0.1:9/"')
    with command("run", "--config", path, *options) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Bricksight is at ")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=WAIT_S)
    assert "sesame" not in errors
    for said in (
        "INFO edge.cli: model: ",
        "INFO edge.cli: camera: http://***@127.0.0.1:9/",
        "INFO edge.cli: machine: simulated",
    ):
        assert (said in errors) == bool(options)


def test_run_keeps_the_page_s_queue_out_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def busy(app: App, *_: object) -> bool:
        logging.getLogger("waitress.queue").warning("Task queue depth is 1")
        app.end()
        return True

    monkeypatch.setattr(App, "wait", busy)
    assert run_main(monkeypatch, "run", "--config", demo(tmp_path)) == 0
    assert "Task queue depth" not in caplog.text


def test_run_that_breaks_is_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Classifier, "classify", broken)
    assert run_main(monkeypatch, "run", "--config", demo(tmp_path)) == 1
    assert "error: pipeline: RuntimeError: out of memory" in capsys.readouterr().err


# --- check ---

ROWS = ["configuration", "runtime", "bundle", "self-test", "bins against labels", "camera"]


def test_check_of_a_good_device_is_one_table(tmp_path: Path) -> None:
    result = CliRunner().invoke(edge.cli.app, ["check", "--config", str(demo(tmp_path))])
    assert result.exit_code == 0, result.output
    for row in [*ROWS, "machine"]:
        assert row in result.stdout
    assert "wrong" not in result.stdout


def test_check_says_what_it_found(tmp_path: Path, shipped: Any) -> None:
    found = {finding.what: finding for finding in check_all(demo(tmp_path))}
    assert list(found) == [*ROWS, "machine"]
    assert all(finding.ok for finding in found.values())
    assert found["runtime"].found in ("ai_edge_litert", "tflite_runtime")
    assert f"85 labels, {shipped.sha256[:12]}" in found["bundle"].found
    assert "of their spread at most" in found["self-test"].found
    assert "6 bins, 85 of 85 labels have a bin" in found["bins against labels"].found
    assert "pile.mp4" in found["camera"].found
    assert "simulated, 6 bins, disarmed" in found["machine"].found


@pytest.mark.parametrize(
    ("row", "changes", "said"),
    [
        ("configuration", {"fps": "fsp = 10"}, "unknown key"),
        ("camera", {"source": 'source = "nowhere.mp4"'}, "is not there"),
        ("camera", {"source": 'source = "edge.toml"'}, "holds no video"),
        ("configuration", {"driver": "settings = { queue = 1 }"}, "unknown key"),
        ("bins against labels", {"review_bin": 'review_bin = "revue"'}, "did you mean"),
    ],
)
def test_check_names_the_part_that_is_wrong(
    tmp_path: Path, row: str, changes: dict[str, str], said: str
) -> None:
    path = demo(tmp_path, **changes)
    wrong = [finding for finding in check_all(path) if not finding.ok]
    assert [finding.what for finding in wrong] == [row]
    assert said in wrong[0].found
    result = CliRunner().invoke(edge.cli.app, ["check", "--config", str(path)])
    assert result.exit_code == 1
    assert "wrong" in result.stdout


def test_check_of_a_damaged_bundle_goes_on_with_the_rest(tmp_path: Path, copied: Path) -> None:
    (copied / "MODEL_CARD.md").unlink()
    path = demo(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}\n[bundle]\npath = "{copied}"\n', encoding="utf-8")
    found = {finding.what: finding for finding in check_all(path)}
    assert not found["bundle"].ok
    assert "MODEL_CARD.md: found no file" in found["bundle"].found
    assert found["camera"].ok
    assert found["machine"].ok


def test_check_without_a_runtime_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise InterpreterError("no TFLite runtime works here; install one: [pip install ...]")

    monkeypatch.setattr(edge.check, "choose_runtime", none)
    found = {finding.what: finding for finding in check_all(demo(tmp_path))}
    assert not found["runtime"].ok
    assert "install one" in found["runtime"].found


def test_check_of_a_device_without_a_machine(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(f'[camera]\nsource = "{DEMO / "pile.mp4"}"\n', encoding="utf-8")
    found = {finding.what: finding for finding in check_all(path)}
    assert all(finding.ok for finding in found.values())
    assert "nothing will be moved" in found["machine"].found


def test_the_camera_is_cut_and_thresholds_of_ones_own_hold(tmp_path: Path) -> None:
    path = demo(tmp_path, fps="fps = 10\nroi = [0.25, 0.5, 0.5, 0.25]")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"3001" = 0.1', '"3001" = 1.0'), encoding="utf-8")
    app = App(read_config(path))
    with running(app):
        about = app.board.current().about
        place = next(label.index for label in about.labels if label.id == "3001")
        assert about.thresholds[place] == 1.0
        deadline_s = time.monotonic() + WAIT_S
        while (seen := app.board.current().prediction) is None and time.monotonic() < deadline_s:
            app.wait(0.05)
        assert seen is not None
        whole = cv2.VideoCapture(str(DEMO / "pile.mp4"))
        height, width = int(whole.get(4)), int(whole.get(3))
        assert seen.frame.image.shape == (height // 4, width // 2, 3)

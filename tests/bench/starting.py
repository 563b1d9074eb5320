"""How long the device app takes from process start to its first label, and its memory."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from tests.bench.context import Bench
from tests.bench.needs import CannotMeasure, need_file
from tests.bench.subject import ROOT
from tests.bench.table import Reach, Row

CONFIG = ROOT / "edge" / "demo" / "edge.toml"
DEVICE_APP = ROOT / ".venv-device" / "bin" / "bricksight-edge"
WARM_STARTS = 5
FRAMES_BEFORE_MEMORY = 50
LABEL_WAIT_S = 30.0
FRAMES_WAIT_S = 60.0
END_WAIT_S = 15.0
POLL_S = 0.01
MEGABYTE = 10**6
JOURNAL = "app.sqlite"
TOKEN = "bench"
_BEARER: dict[str, str] = {}
"""What the app is asked with."""

State = dict[str, Any]


def starting(bench: Bench) -> list[Row]:
    """Start to first label, and resident memory, of the app with the demo configuration."""
    app = installed_app()
    _start_once(app, bench.folder)
    starts = [_start_once(app, bench.folder) for _ in range(WARM_STARTS)]
    with running(app, bench.folder) as (process, address):
        wait_for(address, process, lambda s: watched(address, s), FRAMES_WAIT_S)
        memory = resident_bytes(process.pid) / MEGABYTE
        helpers = [proportional_bytes(child) / MEGABYTE for child in children_of(process.pid)]
    note = f"median of {WARM_STARTS}; largest {max(starts):.2f} s"
    return [
        Row(
            "device app: start to first label, warm",
            Reach("at most", 2.0, " s"),
            median(starts),
            note,
        ),
        Row(
            "device app: resident memory, without the explainer's process",
            Reach("at most", 180, " MB"),
            memory,
            f"after {FRAMES_BEFORE_MEMORY} frames, with a page watching",
            0,
        ),
        Row(
            "device app: memory of the explainer's process (PSS)",
            None,
            sum(helpers),
            f"{len(helpers)} process; what both share is counted in part",
            0,
        ),
    ]


def installed_app() -> Path:
    """The app in an environment with the device's packages only, or else beside this Python."""
    beside = Path(sys.executable).with_name("bricksight-edge")
    return need_file(
        DEVICE_APP if DEVICE_APP.is_file() else beside,
        "the installed app: make .venv-device/ready, or pip install -e '.[device]'",
    )


def _start_once(app: Path, folder: Path) -> float:
    started = time.perf_counter()
    with running(app, folder) as (process, address):
        wait_for(address, process, lambda state: state.get("frame") is not None, LABEL_WAIT_S)
        return time.perf_counter() - started


@contextmanager
def running(app: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The app in a process of its own, on a free port; ended as Ctrl-C would."""
    port = free_port()
    config = folder / "edge.toml"
    config.write_text(demo_config(port, folder), encoding="utf-8")
    let_in(folder)
    with (folder / "app.log").open("wb") as log:
        process = subprocess.Popen(
            [app, "run", "--config", config],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    except CannotMeasure as error:
        said = (folder / "app.log").read_text(errors="replace").strip()[-800:]
        raise CannotMeasure(f"{error}; it said:\n{said}") from error
    finally:
        _end(process)


def demo_config(port: int, folder: Path) -> str:
    """The demo's configuration with another port, and everything it writes inside `folder`."""
    text = need_file(CONFIG, "the demo's configuration").read_text(encoding="utf-8")
    changes = (
        (r'^source = "(.*)"$', lambda m: f'source = "{(CONFIG.parent / m[1]).as_posix()}"'),
        (r"^port = .*$", lambda m: f"port = {port}"),
        (r'^path = ".*journal.*"$', lambda m: f'path = "{(folder / JOURNAL).as_posix()}"'),
    )
    for pattern, change in changes:
        text, count = re.subn(pattern, change, text, flags=re.MULTILINE)
        if count != 1:
            raise CannotMeasure(f"{CONFIG}: {count} lines match {pattern!r}, expected 1")
    return text


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(
    address: str,
    process: subprocess.Popen[bytes],
    condition: Callable[[State], bool],
    timeout_s: float,
) -> None:
    """Ask the app for its state until the condition holds.

    Raises:
        CannotMeasure: It does not in time, or the app ended.
    """
    pause, deadline = Event(), time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        state = read_state(address)
        if state is not None and condition(state):
            return
        if process.poll() is not None:
            raise CannotMeasure(f"the app ended with exit code {process.returncode}")
        pause.wait(POLL_S)
    raise CannotMeasure(f"the app at {address} did not get there within {timeout_s:g} s")


def read_state(address: str) -> State | None:
    """The app's state; None while it does not answer yet."""
    try:
        with urllib.request.urlopen(_asked(f"{address}/api/state"), timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CannotMeasure(f"{address}/api/state answered {error.code}") from error
    except OSError:
        return None


def let_in(folder: Path) -> None:
    """Make the token with which the app is asked, beside its journal, if there is none yet."""
    with AccessStore(access_path(folder / JOURNAL)) as store:
        if TOKEN not in {token.name for token in Tokens(store).all()}:
            _BEARER["Authorization"] = f"Bearer {Tokens(store).add(TOKEN, Role.VIEWER)}"


def _asked(address: str) -> urllib.request.Request:
    return urllib.request.Request(address, headers=_BEARER)


def seen(state: State) -> int:
    """How many frames the app has labelled."""
    return int(state["counters"]["frames_seen"])


def watched(address: str, state: State) -> bool:
    """Fetch the pictures a page would; whether enough frames were labelled meanwhile."""
    paths = ["/frame.jpg?after=-1"]
    explanation = state.get("explanation")
    if explanation:
        index = explanation["labels"][0]["index"]
        paths.append(f"/explanation/{explanation['sequence']}/{index}.jpg")
    for path in paths:
        try:
            with urllib.request.urlopen(_asked(address + path), timeout=5) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            # A newer explanation may have pushed this one out.
            if error.code != HTTPStatus.NOT_FOUND:
                raise CannotMeasure(f"{address}{path} answered {error.code}") from error
    return seen(state) >= FRAMES_BEFORE_MEMORY


def resident_bytes(pid: int) -> int:
    """VmRSS of a process."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS") * 1024


def proportional_bytes(pid: int) -> int:
    """PSS of a process and all its children: a page that n processes share counts as an n-th."""
    own = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss") * 1024
    return own + sum(proportional_bytes(child) for child in children_of(pid))


def children_of(pid: int) -> list[int]:
    """Processes that a process started itself."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def _kilobytes(path: Path, key: str) -> int:
    return int(re.search(rf"^{key}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

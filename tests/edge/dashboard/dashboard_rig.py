"""What the dashboard's tests stand on: a board to fill, its server, and a browser."""

import base64
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import pytest
from builders import LABELS, make_item
from flask import Blueprint, Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from numpy.typing import NDArray
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait
from waitress import create_server
from waitress.wasyncore import close_all

from edge.access.passwords import hashed
from edge.access.roles import Role
from edge.access.store import AccessStore
from edge.board import About, Board, Request, Requests, Snapshot
from edge.dashboard.access.gate import Gate
from edge.dashboard.app import create_app
from edge.dashboard.health.pages import blueprint as health_pages
from edge.dashboard.health.views import Settings
from edge.decision import Alternative, Reason, SortDecision
from edge.domain import Explanation, Frame, Label, Prediction
from edge.explain.agreement import agreement
from edge.explain.lime import explanation as lime_explanation
from edge.explain.lime_result import Ended, LimeResult, LimeSettings
from edge.explain.worker.progress import ExplainRequest, ExplainState, Progress
from edge.handoff import Published, RequestQueue
from edge.health.looking import Looking
from edge.journal import Balance, Entry, Outcome
from edge.preprocessing import Preprocessing, prepare
from sorter_firmware_bridge.bins import Bin, Condition, MachineState

ABOUT = About(
    bundle_name="starter",
    model_sha256="5f2c9ad1" + "0" * 56,
    labels=LABELS,
    thresholds=(0.5, 0.4, 0.6, 0.3),
    mode="single",
    machine_kind="simulated",
    camera="replay of demo/pile",
)
PREPROCESSING = Preprocessing(64)
NOW_S = 500.0
BRICKS, PLATES = Bin(1, "bricks"), Bin(2, "plates")
ARMED = MachineState(Condition.ARMED, "", clock_s=7.0, queued=1)
USERS = {"vera": Role.VIEWER, "tess": Role.TECHNICIAN, "ada": Role.ADMIN}
INSTALL = "apt-get update && apt-get install -y chromium chromium-driver"
WAIT_S = 20


def cookie_of(gate: Gate, name: str) -> str:
    """What a browser holds after somebody logged in."""
    signing = Flask("signing")
    signing.secret_key = gate.secret
    signer = SecureCookieSessionInterface().get_signing_serializer(signing)
    assert signer is not None
    return str(signer.dumps({"session": gate.sessions.begin(name), "_permanent": True}))


PASSWORD = "seven red plates"
HASHED = hashed(PASSWORD)


def add_users(store: AccessStore) -> None:
    """Add vera, tess and ada; they share one hash: to make one takes as long as a whole test."""
    with store.transaction() as db:
        for name, role in USERS.items():
            db.execute("INSERT INTO users VALUES (?, ?, ?, 0)", [name, role, HASHED])


class World:
    """A board, a queue and the application over them; the clock stands at `NOW_S`.

    Its users are vera, tess and ada, a viewer, a technician and an admin, all with `PASSWORD`.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.now_s = NOW_S
        self.board: Board = Published(Snapshot(1, ABOUT))
        self.requests: Requests = RequestQueue[Request](limit=3)
        self.store = AccessStore(folder / "access.sqlite")
        self.gate = Gate.over(self.store)
        add_users(self.store)
        self.token = self.gate.tokens.add("tests", Role.ADMIN)
        self.options = options
        self.app = self._app(clock=lambda: self.now_s)

    def live_app(self) -> Flask:
        """The same by the real clock."""
        return self._app()

    def _app(self, **more: Any) -> Flask:
        options = {"pages": [self._health()]} | self.options | more
        return create_app(self.board, self.requests, PREPROCESSING, self.gate, **options)

    def _health(self) -> Blueprint:
        looking = Looking(self.store.path.with_name("journal.sqlite"))
        return health_pages(self.board, looking, Settings(80, 1), lambda: self.now_s)

    def client(self) -> FlaskClient:
        """A script with an admin's token."""
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        return client

    def cookie(self, name: str = "ada") -> str:
        """The cookie of somebody who logged in."""
        return cookie_of(self.gate, name)

    def show(self, **values: Any) -> None:
        """Replace the snapshot by one with these values."""
        current = self.board.current()
        self.board.replace(replace(current, version=current.version + 1, **values))


# --- pictures ---


def pile(shift: int = 0, width: int = 640, height: int = 480) -> NDArray[np.uint8]:
    """Four bricks on a belt, moved a little by `shift` pixels."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([188 + 18 * np.sin(x / 90 + k) + 10 * np.cos(y / 70) for k in range(3)], -1)
    image = image.astype(np.uint8)
    for (left, top), (columns, rows), colour in _BRICKS:
        _brick(image, left + shift, top, columns, rows, colour)
    return image


_BRICKS = (
    ((70, 60), (4, 2), (196, 40, 28)),
    ((390, 90), (2, 2), (13, 105, 172)),
    ((120, 290), (4, 2), (39, 130, 70)),
    ((380, 330), (4, 1), (245, 205, 47)),
)
_STUD = 44


def _brick(
    image: NDArray[np.uint8],
    left: int,
    top: int,
    columns: int,
    rows: int,
    colour: tuple[int, int, int],
) -> None:
    right, bottom = left + columns * _STUD, top + rows * _STUD
    cv2.rectangle(image, (left + 6, top + 8), (right + 8, bottom + 12), (120, 112, 104), -1)
    cv2.rectangle(image, (left, top), (right, bottom), colour, -1)
    light = tuple(min(255, part + 38) for part in colour)
    for column in range(columns):
        for row in range(rows):
            centre = left + column * _STUD + _STUD // 2, top + row * _STUD + _STUD // 2
            cv2.circle(image, centre, 14, light, -1, cv2.LINE_AA)
            cv2.circle(image, centre, 14, tuple(part // 2 for part in colour), 1, cv2.LINE_AA)


def predict(
    image: NDArray[np.uint8],
    sequence: int,
    captured_at_s: float = NOW_S - 0.2,
    probabilities: tuple[float, ...] = (0.94, 0.71, 0.2, 0.44),
    labels: tuple[Label, ...] = LABELS,
) -> Prediction:
    """A prediction of `LABELS`, present by the thresholds of `ABOUT`."""
    chances = np.array(probabilities, np.float32)
    present = [label for label in labels if chances[label.index] >= ABOUT.thresholds[label.index]]
    return Prediction(
        frame=Frame(sequence, captured_at_s, image),
        model_input=prepare(image, PREPROCESSING),
        logits=np.log(chances / (1 - chances)),
        probabilities=chances,
        present=tuple(sorted(present, key=lambda label: -chances[label.index])),
    )


def explain(prediction: Prediction, maps: dict[int, NDArray[np.float32]]) -> Explanation:
    """A Grad-CAM of these label indices."""
    return Explanation(
        prediction,
        "grad-cam",
        tuple(LABELS[index] for index in maps),
        np.stack(list(maps.values())).astype(np.float32),
        {
            "layer": "conv5",
            "grid": (14, 14),
            "pooling": "mean",
            "milliseconds": 4.123,
            "disagrees": ("3003",),
        },
    )


def spot(x: float, y: float, height: float, size: int = 14) -> NDArray[np.float32]:
    """A map with one warm place at (x, y) in 0..1."""
    grid = (np.arange(size) + 0.5) / size
    distance = (grid[None] - x) ** 2 + (grid[:, None] - y) ** 2
    heat = np.exp(-distance / 0.012)
    heat = height * heat / heat.max()
    return np.where(heat < 0.02 * height, 0, heat).astype(np.float32)


SPOTS = {
    0: spot(0.25, 0.3, 0.83),
    1: spot(0.68, 0.34, 0.41),
    2: np.zeros((14, 14), np.float32),
    3: spot(0.72, 0.66, 0.22),
}


SIDE = 8
"""Superpixels in a row of `lime`, and as many rows of them."""
COEFFICIENTS = np.linspace(-0.3, 0.6, SIDE * SIDE, dtype=np.float32)


def lime(
    prediction: Prediction,
    number: int = 1,
    state: ExplainState = ExplainState.DONE,
    samples: int = 336,
    *,
    coefficients: NDArray[np.float32] = COEFFICIENTS,
    r2: float = 0.83,
    pinned: bool = False,
    agrees: bool = True,
    ended: Ended = "budget",
    problem: str | None = None,
) -> Progress:
    """How far LIME of all `LABELS` is; with the same coefficients for each, times its place.

    There is an explanation where there are samples. The superpixels are squares.
    """
    request = ExplainRequest(number, prediction, LABELS, pinned=pinned)
    if not samples:
        return Progress(request, state, problem=problem)
    size = PREPROCESSING.size_px
    cells = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    segments = np.kron(cells, np.ones((size // SIDE, size // SIDE), np.int32))
    every = np.stack([coefficients * (1 - 0.2 * place) for place in range(len(LABELS))])
    result = LimeResult(
        segments=segments,
        coefficients=every,
        intercepts=np.zeros(len(LABELS), np.float32),
        whole=np.ones(len(LABELS), np.float32),
        standard_errors=np.full_like(every, 0.02),
        r2=np.full(len(LABELS), r2, np.float32),
        stability=np.full(len(LABELS), 0.9, np.float32),
        samples=samples,
        budget=336,
        ended=ended,
        milliseconds=1234.5,
        segment_ms=80.0,
        settings=LimeSettings(),
    )
    cam = np.abs(cells.astype(np.float32) - 40)
    agreements = tuple(agreement(cam, one, segments) for one in every) if agrees else ()
    explained = lime_explanation(prediction, LABELS, result)
    return Progress(request, state, samples, 336, None, explained, agreements, problem)


def decide(prediction: Prediction, decided_at_s: float) -> SortDecision:
    """The decision to send a "3001" to the bricks."""
    return SortDecision(
        item=make_item(prediction),
        target=BRICKS,
        label=LABELS[0],
        reason=Reason.SORTED,
        explanation="Brick 2x4 (3001) at 94%: bin 1 'bricks'.",
        alternatives=(
            Alternative(LABELS[1], 0.71, BRICKS),
            Alternative(LABELS[3], 0.44, PLATES),
            Alternative(LABELS[2], 0.2, None),
        ),
        decided_at_s=decided_at_s,
        due_s=None,
        deadline_s=None,
        model_sha256=ABOUT.model_sha256,
        policy_sha256="b" * 64,
    )


ENTRY = Entry(
    item_id=12,
    seen_at_s=1_767_258_000.0,
    label_ids=("3001",),
    reason="sorted",
    explanation="Brick 2x4 (3001) at 94%: bin 1 'bricks'.",
    bin=BRICKS,
    command_id=9,
    outcome=Outcome.FIRED,
)
RECENT = (
    ENTRY,
    replace(
        ENTRY,
        item_id=11,
        seen_at_s=1_767_257_993.0,
        label_ids=("3003", "3020"),
        reason="several_labels",
        explanation="2 brick types at once (Brick 2x2 (3003), Plate 2x4 (3020)): bin 4 'review'.",
        bin=Bin(4, "review"),
        command_id=8,
        outcome=Outcome.REVIEW,
    ),
    replace(
        ENTRY,
        item_id=10,
        seen_at_s=1_767_257_981.0,
        label_ids=(),
        reason="no_label",
        explanation="No brick type is above its threshold: no bin is set for it.",
        bin=None,
        command_id=None,
        outcome=Outcome.UNMOVED,
    ),
    replace(
        ENTRY,
        item_id=9,
        seen_at_s=1_767_257_960.0,
        command_id=7,
        outcome=Outcome.MISSED,
        bin=PLATES,
    ),
)
BALANCE = Balance(seen=12, fired=7, missed=1, review=2, unmoved=1, confirmed=1)


def everything(sequence: int, at_s: float) -> dict[str, Any]:
    """The values of a snapshot with everything there is to show, seen at that time."""
    seen = predict(pile(sequence % 7), sequence, at_s)
    return {
        "prediction": seen,
        "explanation": explain(seen, SPOTS),
        "decision": decide(seen, at_s),
        "entry": ENTRY,
        "recent": RECENT,
        "balance": BALANCE,
        "machine": ARMED,
        "camera_state": "live",
        "frames_seen": 40 + sequence,
        "frames_replaced": 3,
        "stage_ms": {"prepare": 0.84, "classify": 11.31, "explain": 14.02, "publish": 0.21},
    }


class Feeder:
    """Fills the board with a new frame ten times a second, until it is told to stop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._feed, name="feeder")

    def stop(self) -> None:
        """Leave the board as it is. Safe to call twice."""
        self._ended.set()
        self._thread.join()

    def _feed(self) -> None:
        sequence = 0
        while not self._ended.is_set():
            sequence += 1
            self._world.show(**everything(sequence, time.monotonic()))
            self._ended.wait(0.1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


# --- server ---


class Served:
    """The application behind waitress on a free port of this machine.

    Args:
        app: To be served.
        cookie: With which a browser that opens it is logged in; "" logs nobody in.
    """

    def __init__(self, app: Flask, cookie: str = "") -> None:
        self._server = create_server(app, host="127.0.0.1", port=0, threads=8)
        self._thread = threading.Thread(target=self._server.run, name="web")
        self.url = f"http://127.0.0.1:{self._server.effective_port}/"
        self.port = self._server.effective_port
        COOKIES[self.url] = cookie

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        if self._thread.is_alive():
            # Whoever still answers wakes the loop, which must be there then.
            self._server.task_dispatcher.shutdown()
            # In the server's own loop, which ends once nothing is left to wait for.
            self._server.trigger.pull_trigger(lambda: close_all(self._server._map))
            self._thread.join()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


# --- browser ---

COOKIES: dict[str, str] = {}
"""Who is logged in where, by the address of the server."""


class Browser:
    """Chromium on the page."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, width_px: int = 1280, height_px: int = 900) -> None:
        """Open a page in a window of that size, with an empty log."""
        self.size(width_px, height_px)
        # The page before still asks its server, which is gone.
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        cookie = next((COOKIES[known] for known in COOKIES if url.startswith(known)), "")
        if cookie:
            self.log_in(url, cookie)
        self.driver.get_log("browser")
        self.driver.get(url)

    def log_in(self, url: str, cookie: str) -> None:
        """Give it the cookie of somebody who logged in."""
        self.driver.execute_cdp_cmd(
            "Network.setCookie",
            {"name": "bricksight", "value": cookie, "url": url, "sameSite": "Strict"},
        )

    def size(self, width_px: int, height_px: int) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": False},
        )

    def colours(self, scheme: str) -> None:
        """Ask for the "light" or the "dark" colours."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def wait(self, holds: Callable[[], Any], what: str, wait_s: float = WAIT_S) -> Any:
        """Wait until something holds."""
        return WebDriverWait(self.driver, wait_s, 0.05).until(lambda _: holds(), what)

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def text(self, element_id: str) -> str:
        """What an element says, hidden or not."""
        return str(self.run("return document.getElementById(arguments[0]).textContent", element_id))

    def data(self, element_id: str, key: str) -> str | None:
        found: str | None = self.run(
            "return document.getElementById(arguments[0]).dataset[arguments[1]] ?? null",
            element_id,
            key,
        )
        return found

    def pixels(self, element_id: str) -> str:
        """What an image shows, as a data URL, to be compared."""
        script = """
            const image = document.getElementById(arguments[0]);
            const canvas = document.createElement("canvas");
            canvas.width = 64; canvas.height = 48;
            canvas.getContext("2d").drawImage(image, 0, 0, 64, 48);
            return image.naturalWidth ? canvas.toDataURL() : "";
        """
        return str(self.run(script, element_id))

    def problems(self) -> list[str]:
        """Errors and policy violations since the page was opened."""
        return [f"{line['level']} {line['message']}" for line in self.driver.get_log("browser")]

    def photograph(self, path: Path) -> None:
        """Save the whole page as PNG."""
        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"}
        )
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Chromium without a window, on a profile of its own."""
    found = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in found:
        pytest.fail(f"chromium or chromedriver is missing; install it: {INSTALL}")
    options = webdriver.ChromeOptions()
    options.binary_location = str(found[0])
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(str(found[1])))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def screenshots(tmp_path: Path) -> Path:
    """Where screenshots go: BRICKSIGHT_SCREENSHOTS, else the test's own folder."""
    folder = Path(os.environ.get("BRICKSIGHT_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""The whole device for a browser: a live ffmpeg stream, the shipped model, a simulated machine."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import imageio_ffmpeg
import pytest
from dashboard_rig import Browser
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.users import Users
from edge.app import App
from edge.config import read_config
from edge.dashboard.access.gate import Gate

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "edge" / "demo"
AXE = ROOT / ".npm" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "seven red plates"
SERIOUS = ("serious", "critical")
MOST_TABS = 150
PILES = 12


@dataclass(frozen=True, slots=True)
class Whole:
    """A running device.

    Attributes:
        app: It.
        folder: Where its journal is.
        address: Of its page.
        gate: Over the same users and sessions.
    """

    app: App
    folder: Path
    address: str
    gate: Gate


@contextmanager
def whole_device(folder: Path) -> Iterator[Whole]:
    """A device that looks at a live stream; ada is its admin."""
    port = free_port()
    path = folder / "edge.toml"
    path.write_text(_settings(port), encoding="utf-8")
    _keep_piles(folder / "pictures" / "piles")
    with AccessStore(access_path(folder / "journal.sqlite")) as store:
        Users(store).add("ada", Role.ADMIN, PASSWORD)
    # Again and again, at the speed it was recorded, to whoever connects.
    played = f"-loglevel error -re -stream_loop -1 -i {DEMO / 'pile.mp4'}"
    served = f"-r 10 -c:v mjpeg -q:v 3 -f mpjpeg -listen 1 http://127.0.0.1:{port}"
    stream = subprocess.Popen(
        [imageio_ffmpeg.get_ffmpeg_exe(), *played.split(), *served.split()],
        stdin=subprocess.DEVNULL,
    )
    app = App(read_config(path))
    try:
        app.start()
        with AccessStore(access_path(folder / "journal.sqlite")) as store:
            yield Whole(app, folder, app.address, Gate.over(store))
    finally:
        app.stop()
        stream.kill()
        stream.wait()


def _settings(port: int) -> str:
    text = (DEMO / "edge.toml").read_text(encoding="utf-8")
    changes = {
        "source": f'source = "http://127.0.0.1:{port}"',
        "port": 'port = 0\nstudy_sources = "pictures"',
        "path": 'path = "journal.sqlite"',
    }
    lines = [changes.get(line.partition(" ")[0], line) for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def _keep_piles(folder: Path) -> None:
    """Some moments of the recording as pictures, for a study."""
    folder.mkdir(parents=True)
    video = cv2.VideoCapture(str(DEMO / "pile.mp4"))
    frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    for number in range(PILES):
        video.set(cv2.CAP_PROP_POS_FRAMES, frames * number // PILES + frames // (2 * PILES))
        found, image = video.read()
        assert found
        cv2.imwrite(str(folder / f"{number}.png"), image)
    video.release()


def free_port() -> int:
    """A port nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


# --- hands ---


class Keyboard:
    """A person without a mouse."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        self._browser.driver.switch_to.active_element.send_keys(*keys)

    def reach(self, selector: str) -> None:
        """Go to an element with the Tab key alone."""
        at = "return document.activeElement?.matches(arguments[0]) ?? false"
        for _ in range(MOST_TABS):
            if self._browser.run(at, selector):
                return
            self._browser.driver.find_element(By.CSS_SELECTOR, "body")
            self.press(Keys.TAB)
        pytest.fail(f"{selector} cannot be reached with the Tab key")

    def use(self, selector: str) -> None:
        """Go to a button or link and press Enter."""
        self.reach(selector)
        self.press(Keys.ENTER)

    def fill(self, selector: str, text: str) -> None:
        """Go to a field and type."""
        self.reach(selector)
        self.press(text)


def log_in(browser: Browser, address: str) -> None:
    """Log in as ada, without a mouse."""
    browser.open(address)
    keyboard = Keyboard(browser)
    keyboard.fill("#name", "ada")
    keyboard.fill("#password", PASSWORD + Keys.ENTER)
    browser.wait(
        lambda: browser.run("return Boolean(document.querySelector('.tabs'))"), "logged in"
    )


# --- judges ---


def accessibility(browser: Browser) -> list[str]:
    """What axe-core finds serious or worse on the page that is open."""
    if not AXE.exists():
        pytest.fail("axe-core is missing; install it: make .npm/ready")
    found = browser.driver.execute_async_script(
        AXE.read_text(encoding="utf-8")
        + ";const done = arguments[arguments.length - 1];"
        + "axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations));"
    )
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]} "
        f"{one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


def foreign_requests(browser: Browser, address: str) -> list[str]:
    """What the page loaded from anywhere but its device."""
    loaded = browser.run("return performance.getEntriesByType('resource').map((e) => e.name)")
    return [url for url in loaded if not url.startswith((address, "blob:" + address))]


def overflow(browser: Browser) -> int:
    """By how many pixels the page is wider than its window."""
    root = "document.documentElement"
    return int(browser.run(f"return {root}.scrollWidth - {root}.clientWidth"))

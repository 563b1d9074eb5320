"""An admin makes another model live in a real browser, on the device as it runs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_rig import Browser, screenshots
from selenium.webdriver.common.keys import Keys
from whole_rig import (
    PASSWORD,
    Keyboard,
    accessibility,
    foreign_requests,
    free_port,
    log_in,
    overflow,
)

# The builders of swaps, also where only this folder is run.
sys.path.insert(0, str(Path(__file__).parents[1] / "swap"))

from bundle_copies import write
from swap_rig import Device, device, running, stage, standing_of

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.users import Users

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = device(tmp_path, "new", port=free_port())
    write(stage(tmp_path, "half") / "companion.float.tflite", b"half of it")
    with AccessStore(access_path(tmp_path / "journal.sqlite")) as store:
        Users(store).add("ada", Role.ADMIN, PASSWORD)
    return path


@pytest.fixture
def begun(config: Path) -> Iterator[Device]:
    with running(config) as started:
        yield started


def test_an_admin_makes_another_model_live_and_goes_back(
    browser: Browser, begun: Device, config: Path, tmp_path: Path
) -> None:
    browser.driver.delete_all_cookies()
    log_in(browser, begun.address)
    keyboard = Keyboard(browser)
    for width, height in ((360, 740), (1280, 900)):
        browser.size(width, height)
        browser.driver.get(f"{begun.address}model")
        browser.photograph(screenshots(tmp_path) / f"model-staged-{width}.png")
        assert overflow(browser) <= 0, width
        assert accessibility(browser) == [], width

    keyboard.use("#test-again")
    browser.wait(lambda: "took" in browser.text("test-said"), "tested again")
    assert browser.text("test-verdict") == "passed"
    find(browser, keyboard)

    assert browser.run("return document.querySelectorAll('[data-swap]').length") == 1
    keyboard.use("[data-swap='new']")
    answer(browser, keyboard)
    browser.wait(lambda: browser.text("model-title") == "new", "the new model runs")
    assert standing_of(config).live.id == "new"
    browser.photograph(screenshots(tmp_path) / "model-swapped.png")

    keyboard.use("#roll-back")
    answer(browser, keyboard)
    browser.wait(lambda: browser.text("model-title") == "best", "the model before runs")
    assert standing_of(config).by == "ada"
    assert foreign_requests(browser, begun.address) == []


def find(browser: Browser, keyboard: Keyboard) -> None:
    """Search the labels, and sort them."""
    keyboard.fill("#labels-find", "plate 2x8")
    assert browser.text("labels-count") == "1 of 85 labels"
    keyboard.press(*[Keys.BACK_SPACE] * 9)
    assert browser.text("labels-count") == "85 labels"
    first = "return document.querySelector('#labels tbody td:nth-child(4)').textContent"
    keyboard.use("#labels th:nth-child(4) button")
    best = float(browser.run(first))
    assert browser.run("return document.activeElement.parentNode.ariaSort") == "descending"
    keyboard.press(Keys.ENTER)
    assert float(browser.run(first)) < best


def answer(browser: Browser, keyboard: Keyboard) -> None:
    """Agree, and give the password where it is asked for."""
    browser.wait(lambda: browser.run("return Boolean(document.querySelector('dialog'))"), "asked")
    keyboard.use("dialog .primary")
    asked = "return Boolean(document.getElementById('ask-password'))"
    busy = "return !document.getElementById('swap-busy').hidden"
    browser.wait(lambda: browser.run(asked) or browser.run(busy), "taken")
    if browser.run(asked):
        keyboard.fill("#ask-password", PASSWORD + Keys.ENTER)

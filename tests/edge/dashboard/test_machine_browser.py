"""The pages of bins and machine in a real browser, without a mouse."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_rig import Browser, screenshots
from selenium.webdriver.common.keys import Keys
from whole_rig import Keyboard, Whole, accessibility, log_in, overflow, whole_device

from sorter_firmware_bridge.bins import Condition

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole_device(tmp_path_factory.mktemp("device")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, device: Whole) -> Iterator[Browser]:
    """The machine's page, with ada logged in, once an item was decided on."""
    log_in(browser, device.address)
    browser.wait(lambda: device.app.board.current().recent, "an item")
    go(browser, device)
    yield browser
    browser.driver.get("about:blank")


def go(browser: Browser, device: Whole) -> None:
    browser.driver.get_log("browser")
    browser.driver.get(device.address + "machine")
    browser.wait(lambda: browser.text("link-kind"), "the machine")
    count = "return document.getElementById('threshold-label').options.length > 1"
    browser.wait(lambda: browser.run(count), "the settings")


def armed(device: Whole) -> bool:
    state = device.app.board.current().machine
    return state is not None and state.condition is Condition.ARMED


def agree(browser: Browser) -> None:
    """Answer the question that is open with yes."""
    browser.wait(lambda: browser.run("return Boolean(document.querySelector('dialog[open]'))"), "?")
    browser.run("document.querySelector('dialog .primary').focus()")
    Keyboard(browser).press(Keys.ENTER)


def make_armed(browser: Browser, device: Whole) -> None:
    if armed(device):
        return
    keyboard = Keyboard(browser)
    able = "return document.getElementById('machine-arm').getAttribute('aria-disabled') === 'false'"
    browser.wait(lambda: browser.run(able), "it may be armed")
    keyboard.use("#machine-arm")
    agree(browser)
    browser.wait(lambda: armed(device), "it is armed")


def test_a_person_moves_it_by_hand_and_lets_it_sort_again(page: Browser, device: Whole) -> None:
    make_armed(page, device)
    keyboard = Keyboard(page)
    page.wait(
        lambda: page.run("return document.getElementById('hand-begin').ariaDisabled === 'false'"),
        "it may begin",
    )
    keyboard.use("#hand-begin")
    agree(page)
    page.wait(lambda: page.text("hand-who") == "ada moves it", "it is theirs")
    keyboard.use("#hand-bins button:nth-child(2)")
    page.wait(
        lambda: any(row.reason == "by_hand" for row in device.app.board.current().recent), "a move"
    )
    page.wait(lambda: "bin 2" in page.text("hand-moves"), "it is listed")
    assert accessibility(page) == []
    keyboard.use("#hand-on")
    agree(page)
    page.wait(lambda: device.app.board.current().by_hand.who is None, "it is over")
    assert armed(device)
    assert page.problems() == []


def test_a_page_that_goes_away_stops_the_machine(page: Browser, device: Whole) -> None:
    make_armed(page, device)
    page.wait(
        lambda: page.run("return document.getElementById('hand-begin').ariaDisabled === 'false'"),
        "it may begin",
    )
    Keyboard(page).use("#hand-begin")
    agree(page)
    page.wait(lambda: device.app.board.current().by_hand.who == "ada", "it is theirs")
    page.driver.get("about:blank")
    page.wait(lambda: not armed(device), "it stops")
    assert device.app.board.current().by_hand.who is None


def test_settings_are_tried_before_they_are_applied(
    page: Browser, device: Whole, tmp_path: Path
) -> None:
    keyboard = Keyboard(page)
    keyboard.reach("#threshold-value")
    keyboard.press(Keys.CONTROL + "a")
    keyboard.press("0.9")
    keyboard.use("#threshold-set")
    keyboard.reach("#roi-box")
    keyboard.press(Keys.SHIFT + Keys.ARROW_LEFT)
    keyboard.press(Keys.ARROW_RIGHT)
    page.wait(lambda: "camera.roi: 1 %, 0 %, 99 %, 100 %" in page.text("changes"), "the region")
    assert "thresholds." in page.text("changes")
    keyboard.use("#preview")
    page.wait(lambda: "Of the last" in page.text("preview-text"), "the preview")
    assert page.run("return document.querySelectorAll('#preview-rows tr').length") > 1
    page.photograph(screenshots(tmp_path) / "machine-preview-1280.png")
    assert accessibility(page) == []
    page.size(360, 740)
    assert overflow(page) <= 0
    page.photograph(screenshots(tmp_path) / "machine-preview-360.png")
    page.size(1280, 900)
    before = (device.folder / "edge.toml").read_text(encoding="utf-8")
    keyboard.use("#apply")
    agree(page)
    page.wait(lambda: "starts anew" in page.text("settings-note"), "it is applied")
    page.wait(lambda: device.app.restart_wanted, "it starts anew")
    after = (device.folder / "edge.toml").read_text(encoding="utf-8")
    assert "roi = [0.01, 0.0, 0.99, 1.0]" in after
    assert (device.folder / "edge.toml.before").read_text(encoding="utf-8") == before
    assert page.problems() == []

"""Every page of the running device in a real browser: by keyboard, at both widths, in the dark."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_rig import Browser, cookie_of, screenshots
from selenium.webdriver.common.keys import Keys
from whole_rig import (
    PASSWORD,
    Keyboard,
    Whole,
    accessibility,
    foreign_requests,
    log_in,
    overflow,
    whole_device,
)

from edge.board import ArmRequest
from edge.corrections.corrections import Corrections

pytestmark = pytest.mark.timeout(600)

PAGES = ("/", "/items", "/items/1", "/bins", "/machine", "/model", "/study", "/health", "/account")
WIDTHS = ((1280, 900), (360, 740))


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole_device(tmp_path_factory.mktemp("device")) as running:
        yield running


@pytest.fixture(scope="module")
def person(browser: Browser, device: Whole) -> Browser:
    """A browser in which somebody is logged in, once an item was decided on."""
    log_in(browser, device.address)
    browser.wait(lambda: device.app.board.current().recent, "an item")
    return browser


def go(browser: Browser, device: Whole, path: str, width: int = 1280, height: int = 900) -> None:
    browser.size(width, height)
    browser.driver.get_log("browser")
    browser.driver.get(device.address + path.lstrip("/"))
    browser.wait(lambda: browser.run("return document.readyState === 'complete'"), "the page")
    browser.wait(lambda: browser.text("frame-pill-age") != "–", "the page knows the device")


# --- each page ---


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_has_no_fault_and_asks_nobody_else(
    person: Browser, device: Whole, path: str, tmp_path: Path
) -> None:
    name = path.strip("/").replace("/", "-") or "live"
    for width, height in WIDTHS:
        go(person, device, path, width, height)
        person.photograph(screenshots(tmp_path) / f"{name}-{width}.png")
        assert overflow(person) <= 0, width
        assert accessibility(person) == [], width
        assert foreign_requests(person, device.address) == []
        assert person.problems() == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_in_the_dark_and_without_motion(
    person: Browser, device: Whole, path: str, tmp_path: Path
) -> None:
    person.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {
            "features": [
                {"name": "prefers-color-scheme", "value": "dark"},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]
        },
    )
    try:
        go(person, device, path)
        name = path.strip("/").replace("/", "-") or "live"
        person.photograph(screenshots(tmp_path) / f"{name}-dark.png")
        assert accessibility(person) == []
        moving = "return document.getAnimations().filter((a) => a.playState === 'running').length"
        assert person.run(moving) == 0
        assert person.problems() == []
    finally:
        person.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_ways_in_have_no_fault_either(browser: Browser, device: Whole) -> None:
    cookies = browser.driver.get_cookies()
    browser.driver.delete_all_cookies()
    try:
        for path in ("login", "participate"):
            for width, height in WIDTHS:
                browser.size(width, height)
                browser.driver.get(device.address + path)
                assert accessibility(browser) == [], path
                assert overflow(browser) <= 0, path
    finally:
        for cookie in cookies:
            browser.driver.add_cookie(cookie)


# --- what people do, without a mouse ---


def test_a_person_sees_the_picture_change_and_chooses_a_label(
    person: Browser, device: Whole
) -> None:
    go(person, device, "/")
    keyboard = Keyboard(person)
    first = person.wait(lambda: person.data("live-picture", "sequence"), "a picture")
    person.wait(lambda: person.data("live-picture", "sequence") != first, "the next picture")
    person.wait(lambda: person.run("return document.querySelectorAll('.chip').length > 1"), "chips")
    keyboard.reach("#ask-label")
    keyboard.press("Plate 2x8")
    keyboard.use("#ask button")
    person.wait(lambda: person.data("why-picture", "label") == "3034", "its Grad-CAM")
    keyboard.reach("#look")
    keyboard.press("heat")
    person.wait(
        lambda: "inferno" in person.run("return document.getElementById('why-bar').src"), ""
    )
    keyboard.press("spotlight")
    keyboard.use("#zoom-in")
    assert person.text("zoom-value") == "1.5×"
    keyboard.press(Keys.ARROW_LEFT)
    keyboard.use("#zoom-out")
    assert person.problems() == []


def test_a_person_watches_lime_refine_and_cancels_another(person: Browser, device: Whole) -> None:
    go(person, device, "/")
    keyboard = Keyboard(person)
    ready = "return document.getElementById('lime-ask').getAttribute('aria-disabled') === 'false'"
    person.wait(lambda: person.run(ready), "something to explain")
    keyboard.use("#lime-ask")
    seen: set[str] = set()

    def refines() -> bool:
        if samples := person.data("lime-picture", "samples"):
            seen.add(samples)
        return len(seen) > 1 or person.data("lime-state", "state") == "done"

    person.wait(refines, "LIME refines")
    keyboard.use("#follow")
    person.wait(lambda: person.run(ready), "something to explain")
    keyboard.use("#lime-ask")
    cancel = (
        "return document.getElementById('lime-cancel').getAttribute('aria-disabled') === 'false'"
    )
    person.wait(
        lambda: person.run(cancel) or person.data("lime-state", "state") == "done", "it runs"
    )
    if person.run(cancel):
        keyboard.use("#lime-cancel")
    person.wait(lambda: person.data("lime-state", "state") in ("cancelled", "done"), "it is over")
    assert person.problems() == []


def test_a_person_stops_the_machine_and_lets_it_go_on(person: Browser, device: Whole) -> None:
    go(person, device, "/")
    keyboard = Keyboard(person)
    keyboard.press(Keys.ESCAPE)
    person.wait(lambda: person.text("machine-pill-text") == "stopped", "it stops")
    keyboard.use("#arm")
    person.wait(lambda: person.run("return document.getElementById('arm-dialog').open"), "asked")
    keyboard.use("#arm-confirm")
    person.wait(lambda: person.text("machine-pill-text") == "armed", "it goes on")
    assert person.problems() == []


def test_a_page_that_is_open_still_stops_after_logging_in_elsewhere(
    person: Browser, device: Whole
) -> None:
    go(person, device, "/health")
    # As another tab would: the cookie is a new session's, the page is of the one before.
    cookie = cookie_of(device.gate, "ada")
    person.log_in(device.address, cookie)
    Keyboard(person).press(Keys.ESCAPE)
    person.wait(lambda: person.text("machine-pill-text") == "stopped", "it stops")
    device.app.requests.put(ArmRequest())
    person.wait(lambda: person.text("machine-pill-text") == "armed", "it goes on")


def test_who_is_logged_out_comes_back_to_the_same_page(person: Browser, device: Whole) -> None:
    go(person, device, "/items?reason=unknown")
    person.driver.delete_all_cookies()
    person.wait(lambda: "/login" in person.driver.current_url, "the way in")
    keyboard = Keyboard(person)
    keyboard.fill("#name", "ada")
    keyboard.fill("#password", PASSWORD + Keys.ENTER)
    person.wait(lambda: "/items?reason=unknown" in person.driver.current_url, "the page again")


def test_a_person_corrects_an_item(person: Browser, device: Whole) -> None:
    item_id = device.app.board.current().recent[0].item_id
    go(person, device, f"/items/{item_id}")
    keyboard = Keyboard(person)
    keyboard.fill("#more", "3034" + Keys.ENTER)
    keyboard.use("#save")
    person.wait(lambda: "ada" in person.text("said"), "it is kept")
    assert "3034" in person.text("said") or "Plate 2x8" in person.text("said")
    assert person.problems() == []
    standing = Corrections(device.folder / "journal.sqlite").standing()
    assert ["3034" in one.labels for one in standing if one.subject.item_id == item_id] == [True]


# --- a study, from its making to its answers ---


def test_people_run_a_study_from_start_to_csv(person: Browser, device: Whole) -> None:
    go(person, device, "/study")
    keyboard = Keyboard(person)
    keyboard.reach("#source")
    keyboard.press("Folder piles")
    keyboard.use("#create button[type=submit]")
    made = "return document.querySelector('#studies [data-state=draft] a') !== null"
    person.wait(lambda: person.run(made), "the study is made", wait_s=120)
    keyboard.use("#studies [data-state=draft] a")
    person.wait(lambda: person.run("return Boolean(document.getElementById('open'))"), "its page")
    keyboard.use("#open")
    person.wait(lambda: person.run("return Boolean(document.getElementById('invitation'))"), "")
    invitation = person.text("invitation").strip()
    page = person.driver.current_url
    answers = take_part(person, device, invitation)
    log_in(person, device.address)
    person.driver.get(page)
    person.wait(lambda: person.run("return Boolean(document.getElementById('close'))"), "its page")
    keyboard.use("#close")
    person.wait(lambda: person.run("return Boolean(document.querySelector('dialog[open]'))"), "")
    keyboard.use("dialog .primary")
    csv_link = "a[href$='csv'], a[href*='csv']"
    person.wait(
        lambda: person.run("return Boolean(document.querySelector(arguments[0]))", csv_link), "csv"
    )
    text = person.driver.execute_async_script(
        "const done = arguments[1];"
        "fetch(document.querySelector(arguments[0]).href).then((r) => r.text()).then(done);",
        csv_link,
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == answers
    assert {row["familiarity"] for row in rows} == {"familiar"}
    assert {"study", "participant", "trial", "left", "right", "choice", "rt_ms"} <= set(rows[0])


def take_part(browser: Browser, device: Whole, invitation: str) -> int:
    """Answer every question of a study by keyboard; how many there were."""
    keyboard = Keyboard(browser)
    browser.driver.get(device.address + "participate")
    keyboard.fill("#code", invitation + Keys.ENTER)
    browser.wait(lambda: shown(browser, "step-consent"), "consent")
    keyboard.reach("#agree")
    keyboard.press(Keys.SPACE)
    keyboard.reach("input[name=familiarity]")
    keyboard.press(Keys.ARROW_UP)
    keyboard.use("#consent-form button[type=submit]")
    browser.wait(lambda: shown(browser, "step-own"), "a code of one's own")
    keyboard.use("#step-own a")
    browser.wait(lambda: shown(browser, "begin"), "how it works")
    keyboard.use("#begin")
    answered = 0
    while True:
        browser.wait(
            lambda: shown(browser, "thanks") or browser.data("stage", "state") == "shown",
            "the next question",
        )
        if shown(browser, "thanks"):
            break
        # What is pressed too soon after a picture or a choice is meant for neither.
        key = "1" if answered % 3 else "2"
        browser.wait(lambda key=key: shown(browser, "sure") or keyboard.press(key), "how sure")
        keyboard.reach("#skip-sure")
        browser.wait(
            lambda: not shown(browser, "sure") or keyboard.press(Keys.ENTER), "it is skipped"
        )
        answered += 1
    keyboard.use("#leave")
    return answered


def shown(browser: Browser, element_id: str) -> bool:
    script = "return Boolean(document.getElementById(arguments[0])?.offsetParent)"
    return bool(browser.run(script, element_id))

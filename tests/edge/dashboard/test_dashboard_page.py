"""The page in a real browser, from a real server."""

from dataclasses import replace
from pathlib import Path

import pytest
from dashboard_rig import ABOUT, Browser, Feeder, Served, World, everything, screenshots
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from edge.board import ArmRequest, EmptyBinRequest, ExplainRequest, StopRequest
from edge.feeder import Feeding
from edge.line import LineReport
from sorter_firmware_bridge.bins import Bin, Condition, Hello, MachineState, Promise, Timing

WIDTHS = ((1280, 900), (800, 900), (360, 740))


def _ready(browser: Browser) -> None:
    browser.wait(lambda: browser.data("live-picture", "state") == "live", "a live picture")
    browser.wait(lambda: browser.data("why-picture", "state") == "shown", "an explanation")


def _fits(browser: Browser) -> bool:
    root = "document.documentElement"
    return bool(browser.run(f"return {root}.scrollWidth <= {root}.clientWidth"))


def _tab_to(browser: Browser, element_id: str) -> None:
    for _ in range(20):
        focused = browser.driver.switch_to.active_element
        if focused.get_attribute("id") == element_id:
            return
        focused.send_keys(Keys.TAB)
    pytest.fail(f"#{element_id} is not reached by Tab")


def _press(browser: Browser, key: str) -> None:
    browser.driver.switch_to.active_element.send_keys(key)


@pytest.mark.parametrize(("width_px", "height_px"), WIDTHS)
def test_everything_is_shown_without_scrolling_sideways(
    browser: Browser,
    served: Served,
    feeder: Feeder,
    tmp_path: Path,
    width_px: int,
    height_px: int,
) -> None:
    browser.open(served.url, width_px, height_px)
    _ready(browser)
    assert _fits(browser)
    assert "Brick 2x4" in browser.text("chips")
    assert "94 %" in browser.text("chips")
    assert browser.text("decision-target") == "→ bin 1 bricks"
    assert browser.text("outcome-pill") == "fired"
    assert browser.text("machine-pill-text") == "armed"
    assert "This label: max 0.83\u00a0logit." in browser.text("why-scale")
    assert browser.text("frame-pill-age").endswith(" s")
    assert browser.pixels("live-image") != browser.pixels("why-image")
    for scheme in ("light", "dark"):
        browser.colours(scheme)
        browser.photograph(screenshots(tmp_path) / f"dashboard-{width_px}-{scheme}.png")
    browser.colours("light")
    assert browser.problems() == []


def test_the_stop_button_stays_on_screen(browser: Browser, served: Served, feeder: Feeder) -> None:
    browser.open(served.url, 360, 740)
    _ready(browser)
    browser.run("window.scrollTo(0, document.body.scrollHeight)")
    place = "return document.getElementById('stop').getBoundingClientRect()"
    box = browser.run(place)
    assert 0 <= box["top"] < box["bottom"] <= 740
    assert 0 <= box["left"] < box["right"] <= 360
    assert browser.run("return document.getElementById('frame-pill-age').offsetHeight") > 0


def test_stop_by_keyboard_reaches_the_queue(
    browser: Browser, world: World, served: Served, feeder: Feeder
) -> None:
    browser.open(served.url)
    _ready(browser)
    _tab_to(browser, "stop")
    _press(browser, Keys.ENTER)
    browser.wait(lambda: world.requests.take_all() == [StopRequest()], "a STOP by its button")
    browser.wait(lambda: browser.text("notice") == "STOP was delivered.", "an answer")
    browser.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    browser.wait(lambda: world.requests.take_all() == [StopRequest()], "a STOP by Escape")
    assert browser.problems() == []


def test_stop_says_so_where_it_does_not_arrive(
    browser: Browser, served: Served, feeder: Feeder
) -> None:
    browser.open(served.url)
    _ready(browser)
    served.close()
    browser.driver.find_element(By.ID, "stop").click()
    browser.wait(lambda: "did not arrive" in browser.text("notice"), "a warning")
    browser.wait(lambda: "does not answer" in browser.text("alarm"), "an alarm")
    browser.wait(lambda: browser.data("live-picture", "state") == "stale", "a stale picture")


def test_arming_asks_first(browser: Browser, world: World, served: Served, feeder: Feeder) -> None:
    feeder.stop()
    world.show(machine=MachineState(Condition.SAFE, "stopped by a person", 8.0, 0))
    browser.open(served.url)
    arm = browser.driver.find_element(By.ID, "arm")
    browser.wait(arm.is_enabled, "a machine to arm")
    assert browser.text("machine-reason") == "stopped by a person"
    arm.send_keys(Keys.ENTER)
    assert browser.driver.switch_to.active_element.get_attribute("id") == "arm-cancel"
    _press(browser, Keys.ENTER)
    assert world.requests.take_all() == []
    arm.send_keys(Keys.ENTER)
    _tab_to(browser, "arm-confirm")
    _press(browser, Keys.ENTER)
    browser.wait(lambda: world.requests.take_all() == [ArmRequest()], "an armed machine")
    arm.send_keys(Keys.ENTER)
    _press(browser, Keys.ESCAPE)
    browser.wait(lambda: world.requests.take_all() == [StopRequest()], "a STOP in the dialog")


def test_a_label_chosen_by_keyboard_is_the_one_explained(
    browser: Browser, world: World, served: Served, feeder: Feeder
) -> None:
    feeder.stop()
    browser.open(served.url)
    browser.wait(lambda: browser.data("why-picture", "label") == "3001", "the most confident")
    before = browser.pixels("why-image")
    chip = browser.driver.find_element(By.CSS_SELECTOR, '.chip[data-label="3003"]')
    browser.driver.find_element(By.ID, "chip-auto").send_keys(Keys.TAB, Keys.TAB)
    assert browser.driver.switch_to.active_element == chip
    _press(browser, Keys.SPACE)
    browser.wait(lambda: browser.data("why-picture", "label") == "3003", "the chosen one")
    assert chip.get_attribute("aria-pressed") == "true"
    assert browser.pixels("why-image") not in ("", before)
    assert "This label: max 0.41\u00a0logit." in browser.text("why-scale")
    assert "disagrees" in browser.text("why-note")
    world.show(**everything(99, world.board.current().prediction.frame.captured_at_s))
    browser.wait(lambda: browser.data("why-picture", "sequence") == "99", "the newest")
    assert browser.data("why-picture", "label") == "3003"
    assert browser.driver.switch_to.active_element == chip


def test_holding_space_shows_the_plain_picture(
    browser: Browser, served: Served, feeder: Feeder
) -> None:
    browser.open(served.url)
    _ready(browser)
    compare = browser.driver.find_element(By.ID, "compare")
    image = browser.driver.find_element(By.ID, "why-image")
    keys = ActionChains(browser.driver)
    browser.run("arguments[0].focus()", compare)
    keys.key_down(" ").perform()
    assert compare.get_attribute("aria-pressed") == "true"
    assert image.value_of_css_property("visibility") == "hidden"
    held = browser.data("why-picture", "sequence")
    newer = browser.data("live-picture", "sequence")
    browser.wait(lambda: browser.data("live-picture", "sequence") != newer, "a newer frame")
    assert browser.data("why-picture", "sequence") == held
    keys.key_up(" ").perform()
    browser.wait(lambda: image.value_of_css_property("visibility") == "visible", "the map again")
    browser.wait(lambda: browser.data("why-picture", "sequence") != held, "the newest again")


def test_any_label_can_be_asked_for(
    browser: Browser, world: World, served: Served, feeder: Feeder
) -> None:
    browser.open(served.url)
    _ready(browser)
    select = browser.driver.find_element(By.ID, "ask-label")
    assert len(select.find_elements(By.TAG_NAME, "option")) == len(ABOUT.labels)
    select.send_keys("Plate 2x4")
    select.send_keys(Keys.TAB)
    _press(browser, Keys.ENTER)
    browser.wait(lambda: world.requests.take_all() == [ExplainRequest(2)], "a wish")
    browser.wait(lambda: browser.data("why-picture", "label") == "3020", "its map")
    assert "No positive evidence" in browser.text("why-scale")
    assert "not present" in browser.text("why-note")
    chip = browser.driver.find_element(By.CSS_SELECTOR, '.chip[data-label="3020"]')
    assert chip.get_attribute("aria-pressed") == "true"
    assert "absent" in (chip.get_attribute("class") or "")


def test_a_board_that_stops_makes_the_picture_stale(
    browser: Browser, served: Served, feeder: Feeder, tmp_path: Path
) -> None:
    browser.open(served.url)
    _ready(browser)
    feeder.stop()
    browser.wait(lambda: browser.data("live-picture", "state") == "stale", "a stale picture")
    assert "stale" in browser.text("live-age")
    assert "stale" in browser.text("frame-pill-age")
    image = browser.driver.find_element(By.ID, "live-image")
    browser.wait(lambda: "grayscale" in image.value_of_css_property("filter"), "a grey picture")
    browser.photograph(screenshots(tmp_path) / "dashboard-stale.png")


def test_a_device_that_starts_anew_is_followed(
    browser: Browser, world: World, served: Served, feeder: Feeder
) -> None:
    browser.open(served.url)
    _ready(browser)
    feeder.stop()
    at_s = world.board.current().prediction.frame.captured_at_s
    world.show(**everything(5000, at_s))
    browser.wait(lambda: browser.data("live-picture", "sequence") == "5000", "the last frame")
    world.show(**everything(2, at_s))
    browser.wait(lambda: browser.data("live-picture", "sequence") == "2", "the new count")


def test_the_page_says_what_it_waits_for(
    browser: Browser, world: World, served: Served, tmp_path: Path
) -> None:
    world.show(camera_problem="rtsp://10.0.0.5/live: no answer in 2 s", machine_problem="no port")
    browser.open(served.url)
    browser.wait(lambda: browser.data("machine-pill", "tone") == "bad", "the state")
    assert "10.0.0.5" in browser.text("camera-note")
    assert browser.text("live-empty") == "The camera is reconnecting."
    assert browser.text("machine-reason") == "no port"
    assert browser.driver.find_element(By.ID, "stop").is_enabled()
    assert not browser.driver.find_element(By.ID, "arm").is_enabled()
    assert _fits(browser)
    browser.photograph(screenshots(tmp_path) / "dashboard-empty.png")
    assert browser.problems() == []


def test_the_page_says_what_the_link_promises_and_that_stop_is_no_emergency_stop(
    browser: Browser, world: World, served: Served, feeder: Feeder
) -> None:
    feeder.stop()
    browser.open(served.url)
    hello = Hello("linetext", 1, (), 1, 2.0, False, (), Promise.AT_MOST_ONCE, Timing.HOST)
    world.show(hello=hello)
    browser.wait(lambda: "at most once" in browser.text("machine-promise"), "the promise")
    assert "timed by this computer" in browser.text("machine-promise")
    assert "no sensor sees drops" in browser.text("machine-promise")
    panel = browser.driver.find_element(By.CSS_SELECTOR, ".panel.machine").text
    assert "no safety-rated emergency stop" in panel


def test_a_bin_is_emptied_on_the_page(
    browser: Browser, world: World, served: Served, feeder: Feeder
) -> None:
    feeder.stop()
    browser.open(served.url)
    line = LineReport(Feeding(True), {}, {2: 3})
    world.show(about=replace(ABOUT, bins=((Bin(2, "plates"), 3),)), line=line)
    browser.wait(lambda: "3 of 3" in browser.text("bins-list"), "the full bin")
    browser.driver.find_element(By.CSS_SELECTOR, "#bins-list button").click()
    browser.driver.switch_to.alert.accept()
    browser.wait(lambda: "counts from zero" in browser.text("notice"), "the word")
    assert world.requests.take_all() == [EmptyBinRequest(2)]
    assert not browser.driver.find_element(By.ID, "new-order").is_displayed()


def test_what_machines_say_stays_text(
    browser: Browser, world: World, served: Served, feeder: Feeder, tmp_path: Path
) -> None:
    feeder.stop()
    hostile = "<img src=x onerror=document.title=1>" + "W" * 300
    world.show(
        machine=MachineState(Condition.SAFE, hostile, 8.0, 0), problem=hostile, camera_state=hostile
    )
    browser.open(served.url, 360, 740)
    browser.wait(lambda: "<img src=x" in browser.text("machine-reason"), "the words")
    assert browser.driver.title == "Live · Bricksight"
    assert _fits(browser)
    browser.photograph(screenshots(tmp_path) / "dashboard-hostile-360.png")
    assert browser.problems() == []

"""The pages of the items in a real browser, from a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_rig import Browser, Served, screenshots
from items_rig import ItemsWorld
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

WIDTHS = ((1280, 900), (800, 900), (360, 740))


@pytest.fixture
def items(tmp_path: Path) -> Iterator[ItemsWorld]:
    built = ItemsWorld(tmp_path)
    for probabilities in ((0.94, 0.1, 0.2, 0.05), (0.9, 0.8, 0.2, 0.05), (0.1, 0.1, 0.1, 0.1)):
        built.see(probabilities)
    yield built
    built.close()


@pytest.fixture
def served(items: ItemsWorld) -> Iterator[Served]:
    with Served(items.app(), items.world.cookie("tess")) as server:
        yield server


def _click(browser: Browser, selector: str) -> None:
    browser.driver.find_element(By.CSS_SELECTOR, selector).click()


def _says(browser: Browser, element_id: str, text: str) -> None:
    browser.wait(lambda: text in browser.text(element_id), f"{text!r} in #{element_id}")


def _is_at(browser: Browser, path: str) -> None:
    browser.wait(lambda: browser.driver.current_url.endswith(path), f"the page {path}")


@pytest.mark.parametrize(("width_px", "height_px"), WIDTHS)
@pytest.mark.parametrize("path", ["items", "items/1", "items/3"])
def test_everything_fits_and_nothing_is_refused(
    browser: Browser, served: Served, tmp_path: Path, path: str, width_px: int, height_px: int
) -> None:
    browser.open(served.url + path, width_px, height_px)
    loaded = "return [...document.images].every((one) => one.complete || one.loading === 'lazy')"
    browser.wait(lambda: browser.run(loaded), "all pictures")
    root = "document.documentElement"
    assert browser.run(f"return {root}.scrollWidth <= {root}.clientWidth")
    for scheme in ("light", "dark"):
        browser.colours(scheme)
        name = f"{path.replace('/', '-')}-{width_px}-{scheme}.png"
        browser.photograph(screenshots(tmp_path) / name)
    browser.colours("light")
    assert browser.problems() == []


def test_a_label_is_confirmed_and_undone_with_a_click_each(
    browser: Browser, served: Served, items: ItemsWorld
) -> None:
    browser.open(f"{served.url}items/1")
    _click(browser, "#confirm")
    _says(browser, "said", "right as recognised")
    (one,) = items.corrections.standing()
    assert (one.labels, one.who) == (("3001",), "tess")
    _click(browser, "#undo")
    _says(browser, "said", "taken back")
    assert items.corrections.standing() == ()
    assert browser.problems() == []


def test_what_is_right_is_chosen_by_keyboard_alone(
    browser: Browser, served: Served, items: ItemsWorld
) -> None:
    browser.open(f"{served.url}items/1")
    chips = browser.driver.find_elements(By.CSS_SELECTOR, "[data-label]")
    assert [chip.get_attribute("aria-pressed") for chip in chips] == ["true"] + ["false"] * 3
    chips[0].send_keys(Keys.SPACE)
    more = browser.driver.find_element(By.ID, "more")
    more.send_keys("plate 1x4", Keys.ENTER)
    more.send_keys("3003", Keys.ENTER)
    browser.driver.find_element(By.ID, "note").send_keys("side by side", Keys.ENTER)
    _says(browser, "said", "Brick 2x2 (3003), Plate 1x4 (3710)")
    (one,) = items.corrections.standing()
    assert (sorted(one.labels or ()), one.note) == (["3003", "3710"], "side by side")
    assert browser.problems() == []


def test_a_type_that_nobody_knows_is_said_so(browser: Browser, served: Served) -> None:
    browser.open(f"{served.url}items/1")
    browser.driver.find_element(By.ID, "more").send_keys("wheel", Keys.ENTER)
    _says(browser, "right-problem", "No type is called “wheel”")


def test_who_comes_second_sees_what_the_first_said_and_loses_nothing(
    browser: Browser, served: Served, items: ItemsWorld
) -> None:
    browser.open(f"{served.url}items/1")
    other = items.as_("ada")
    body = {"labels": ["3020"], "version": 0}
    assert other.post("/api/items/1/correction", json=body).status_code == 200
    chip = browser.driver.find_element(By.CSS_SELECTOR, '[data-label="3003"]')
    chip.click()
    _click(browser, "#save")
    _says(browser, "right-problem", "said 3020 meanwhile; look again")
    _says(browser, "said", "Plate 2x4 (3020)")
    assert chip.get_attribute("aria-pressed") == "true"
    _click(browser, "#save")
    _says(browser, "said", "Brick 2x2 (3003)")
    assert (
        len(items.corrections.history(1, items.corrections.standing()[0].subject.picture_sha256))
        == 2
    )


def test_keys_turn_to_the_items_beside_it(browser: Browser, served: Served) -> None:
    browser.open(f"{served.url}items/2")
    body = browser.driver.find_element(By.TAG_NAME, "body")
    body.send_keys("k")
    _is_at(browser, "/items/3")
    browser.driver.find_element(By.TAG_NAME, "body").send_keys("j")
    _is_at(browser, "/items/2")
    browser.driver.find_element(By.ID, "note").send_keys("jk")
    _is_at(browser, "/items/2")


def test_maps_of_another_label_are_shown_and_held_away(browser: Browser, served: Served) -> None:
    browser.open(f"{served.url}items/1")
    _click(browser, '[data-map="2"]')
    browser.wait(
        lambda: browser.run("return document.getElementById('cam-image').src").endswith("/2.jpg"),
        "the map of the other label",
    )
    assert browser.run("return document.getElementById('lime-image').src").endswith("/2.jpg")
    assert browser.data("panes", "x") is None
    compare = browser.driver.find_element(By.ID, "compare")
    browser.run("arguments[0].dispatchEvent(new PointerEvent('pointerdown', {button: 0}))", compare)
    hidden = "return getComputedStyle(document.getElementById('cam-image')).visibility"
    assert browser.run(hidden) == "hidden"
    browser.run("arguments[0].dispatchEvent(new PointerEvent('pointerup'))", compare)
    assert browser.run(hidden) == "visible"


def test_filters_stand_in_the_address_and_only_those_that_are_set(
    browser: Browser, served: Served
) -> None:
    browser.open(f"{served.url}items")
    browser.run("document.getElementById('by-bin').value = '3'")
    _click(browser, "#filters [type=submit]")
    _is_at(browser, "/items?bin=3")
    rows = browser.driver.find_elements(By.CSS_SELECTOR, ".items-row")
    assert len(rows) == 1
    rows[0].click()
    _is_at(browser, "/items/2?bin=3")


def test_newer_items_are_told_and_shown_when_asked_for(
    browser: Browser, served: Served, items: ItemsWorld
) -> None:
    browser.open(f"{served.url}items")
    items.see()
    _says(browser, "news", "Show 1 newer item")
    _click(browser, "#news")
    browser.wait(
        lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, ".items-row")) == 4, "4 rows"
    )
    assert browser.problems() == []

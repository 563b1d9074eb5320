"""LIME on the page in a real browser: asked for, watched, cancelled, believed or not."""

import time
from pathlib import Path

import pytest
from dashboard_rig import Browser, Served, World, everything, lime, pile, predict, screenshots
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from edge.board import CancelLimeRequest, LimeRequest, Request
from edge.domain import Prediction
from edge.explain.worker.progress import ExplainState

QUEUED, SEGMENTING, SAMPLING = (
    ExplainState.QUEUED,
    ExplainState.SEGMENTING,
    ExplainState.SAMPLING,
)


@pytest.fixture
def seen(world: World, served: Served, browser: Browser) -> Prediction:
    """The page with the explanation of frame 5, of which there is no LIME."""
    world.show(**everything(5, time.monotonic()))
    browser.open(served.url)
    browser.wait(lambda: browser.data("why-picture", "state") == "shown", "a Grad-CAM")
    prediction = world.board.current().prediction
    assert prediction is not None
    return prediction


def _state(browser: Browser, words: str) -> None:
    browser.wait(lambda: words in browser.text("lime-state"), words)


def _samples(browser: Browser, samples: int) -> None:
    browser.wait(lambda: browser.data("lime-picture", "samples") == str(samples), f"N {samples}")


def _press(browser: Browser, element_id: str) -> None:
    button = browser.driver.find_element(By.ID, element_id)
    browser.run("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)


def _usable(browser: Browser, element_id: str) -> bool:
    button = browser.driver.find_element(By.ID, element_id)
    return button.get_attribute("aria-disabled") == "false"


def _asked(browser: Browser, world: World, request: Request) -> None:
    browser.wait(lambda: world.requests.take_all() == [request], "a request")


def _asked_lime(browser: Browser, world: World, sequence: int) -> None:
    """Wait until LIME is asked for, of that frame."""

    def there() -> bool:
        taken = world.requests.take_all()
        return (
            bool(taken)
            and isinstance(taken[0], LimeRequest)
            and (taken[0].explanation.prediction.frame.sequence == sequence)
        )

    browser.wait(there, "a request")


def test_lime_is_asked_for_and_refines_while_the_picture_is_kept(
    browser: Browser, world: World, seen: Prediction, tmp_path: Path
) -> None:
    assert not _usable(browser, "lime-cancel")
    _press(browser, "lime-ask")
    _asked_lime(browser, world, 5)
    assert browser.text("why-kept") == "Keeping frame 5."
    world.show(lime=(lime(seen, 1, QUEUED, 0, pinned=True),))
    _state(browser, "queued")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "lime-ask"
    assert not _usable(browser, "lime-ask")
    assert _usable(browser, "lime-cancel")
    # A newer frame changes the live picture, and nothing here.
    newer = everything(6, time.monotonic())
    world.show(**newer, lime=(lime(seen, 1, SEGMENTING, 0, pinned=True),))
    _state(browser, "segmenting")
    browser.wait(lambda: browser.data("live-picture", "sequence") == "6", "the newer frame")
    assert browser.data("why-photo", "sequence") == "5"
    world.show(lime=(lime(seen, 1, SAMPLING, 16, pinned=True, agrees=False, ended="interim"),))
    _samples(browser, 16)
    assert browser.text("lime-state") == "sampling 16/336"
    assert browser.text("lime-said") == "LIME of Brick 2x4 (3001): sampling"
    assert "N 16, fewer than K" in browser.text("lime-badges")
    assert browser.pixels("lime-image") not in ("", browser.pixels("lime-plain"))
    place = "return document.getElementById('recent-title').getBoundingClientRect().top"
    before, interim = browser.run(place), browser.pixels("lime-image")
    browser.photograph(screenshots(tmp_path) / "lime-sampling.png")
    world.show(lime=(lime(seen, 1, r2=0.31, pinned=True),))
    _samples(browser, 336)
    assert browser.run(place) == before
    assert browser.pixels("lime-image") == interim
    assert browser.text("lime-state") == "done: 336/336"
    assert "R² 0.31, low" in browser.text("lime-badges")
    assert "SE 0.02\u00a0logit" in browser.text("lime-badges")
    assert "superpixels hidden by their mean" in browser.text("lime-badges")
    assert "both 0, only HiResCAM 10, only LIME 10, neither 44" in browser.text("lime-agreement")
    assert "-0.3\u00a0logit to 0.6\u00a0logit" in browser.text("lime-scale")
    assert browser.text("lime-age").startswith("made of frame 5, ")
    browser.photograph(screenshots(tmp_path) / "lime-done.png")
    # Another label of the kept picture.
    chip = browser.driver.find_element(By.CSS_SELECTOR, '.chip[data-label="3003"]')
    chip.send_keys(Keys.ENTER)
    browser.wait(lambda: browser.data("lime-picture", "label") == "3003", "its LIME")
    browser.wait(lambda: browser.data("why-picture", "label") == "3003", "its Grad-CAM")
    assert browser.data("why-picture", "sequence") == "5"
    _press(browser, "follow")
    browser.wait(lambda: browser.data("why-photo", "sequence") == "6", "the newest again")
    assert not _usable(browser, "follow")
    assert browser.problems() == []


def test_lime_is_cancelled(browser: Browser, world: World, seen: Prediction) -> None:
    _press(browser, "lime-ask")
    _asked_lime(browser, world, 5)
    world.show(lime=(lime(seen, 3, SAMPLING, 32, pinned=True, ended="interim"),))
    _samples(browser, 32)
    _press(browser, "lime-cancel")
    _asked(browser, world, CancelLimeRequest(3))
    world.show(lime=(lime(seen, 3, ExplainState.CANCELLED, 32, pinned=True, ended="cancelled"),))
    _state(browser, "cancelled at 32/336")
    assert browser.data("lime-picture", "samples") == "32"
    assert not _usable(browser, "lime-cancel")
    browser.wait(lambda: _usable(browser, "lime-ask"), "another chance")
    assert browser.problems() == []


def test_lime_that_came_by_itself_says_which_frame_it_is_of(
    browser: Browser, world: World, seen: Prediction
) -> None:
    late = everything(9, time.monotonic())
    world.show(**late, lime=(lime(seen, 2),))
    _samples(browser, 336)
    browser.wait(lambda: browser.data("why-photo", "sequence") == "9", "the newest frame")
    assert browser.data("lime-picture", "sequence") == "5"
    assert browser.text("lime-age").startswith("made of frame 5, ")
    assert browser.text("why-kept") == "Following the newest picture."
    # While the next one runs, the map there is stays.
    running = lime(late["prediction"], 3, SEGMENTING, 0)
    world.show(lime=(running, lime(seen, 2)))
    _state(browser, "segmenting")
    assert "(frame 9)" in browser.text("lime-state")
    assert browser.data("lime-picture", "number") == "2"
    world.show(lime=(lime(late["prediction"], 3), lime(seen, 2)))
    browser.wait(lambda: browser.data("lime-picture", "sequence") == "9", "the next one")


def test_what_went_wrong_is_said_in_words(browser: Browser, world: World, seen: Prediction) -> None:
    why = "the explainer's process ended (signal 9)"
    world.show(lime=(lime(seen, 1, ExplainState.FAILED, 0, problem=why),))
    _state(browser, f"failed: {why}")
    assert browser.data("lime-progress", "tone") == "bad"
    world.show(lime=(lime(seen, 2, ExplainState.SUPERSEDED, 0),))
    _state(browser, "superseded: a newer picture came before its turn")
    world.show(lime=(lime(seen, 3, ExplainState.CANCELLED, 0),))
    _state(browser, "cancelled before there was anything")
    assert browser.data("lime-picture", "state") == "empty"
    against = -abs(lime(seen).explanation.details["coefficients"][0])  # type: ignore[union-attr]
    world.show(lime=(lime(seen, 4, coefficients=against),))
    browser.wait(lambda: "No positive evidence" in browser.text("lime-scale"), "no evidence")


def test_a_frame_that_is_gone_is_not_kept(browser: Browser, world: World, seen: Prediction) -> None:
    _press(browser, "lime-ask")
    _asked_lime(browser, world, 5)
    other = predict(pile(3), 14, time.monotonic())
    world.show(lime=(lime(other, 1, SAMPLING, 16, pinned=True, ended="interim"),))
    _samples(browser, 16)
    assert browser.text("notice") == "Frame 5 was gone already: LIME is made of frame 14."
    assert browser.data("lime-picture", "sequence") == "14"
    assert browser.text("why-kept").startswith("Following the newest picture; LIME is of")


def test_a_refused_wish_says_so_and_keeps_nothing(
    browser: Browser, world: World, seen: Prediction
) -> None:
    while world.requests.put(LimeRequest(1)):
        pass
    _press(browser, "lime-ask")
    browser.wait(lambda: "too many requests" in browser.text("notice"), "a refusal")
    browser.wait(lambda: browser.text("why-kept") == "Following the newest picture.", "no hold")
    assert _usable(browser, "lime-ask")


def test_holding_and_fading_show_the_picture_beneath_both_maps(
    browser: Browser, world: World, seen: Prediction
) -> None:
    world.show(lime=(lime(seen, 1),))
    _samples(browser, 336)
    maps = [browser.driver.find_element(By.ID, name) for name in ("why-image", "lime-image")]
    keys = ActionChains(browser.driver)
    browser.run("document.getElementById('compare').focus()")
    keys.key_down(" ").perform()
    assert {one.value_of_css_property("visibility") for one in maps} == {"hidden"}
    keys.key_up(" ").perform()
    assert {one.value_of_css_property("visibility") for one in maps} == {"visible"}
    slider = browser.driver.find_element(By.ID, "opacity")
    slider.send_keys(Keys.HOME)
    assert browser.text("opacity-value") == "0\u00a0%"
    assert {one.value_of_css_property("opacity") for one in maps} == {"0"}
    slider.send_keys(Keys.ARROW_RIGHT)
    assert {one.value_of_css_property("opacity") for one in maps} == {"0.05"}
    assert browser.problems() == []

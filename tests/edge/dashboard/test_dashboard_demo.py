"""`make demo` in a real browser: shipped bundle, recorded pile, simulated machine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dashboard_rig import COOKIES, Browser, add_users, cookie_of, screenshots

from edge.access.store import AccessStore, access_path
from edge.app import App
from edge.config import read_config
from edge.dashboard.access.gate import Gate

DEMO = Path(__file__).parents[3] / "edge" / "demo" / "edge.toml"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[App]:
    """The demo on a free port, with its journal out of the way."""
    config = read_config(DEMO)
    config = replace(
        config,
        dashboard=config.dashboard.model_copy(update={"port": 0}),
        journal=replace(config.journal, path=tmp_path / "journal.sqlite"),
    )
    app = App(config)
    with AccessStore(access_path(config.journal.path)) as store:
        add_users(store)
        COOKIES[app.address] = cookie_of(Gate.over(store), "ada")
    app.start()
    yield app
    app.stop()


def test_demo_shows_picture_labels_reason_bin_and_answer(
    demo: App, browser: Browser, tmp_path: Path
) -> None:
    browser.open(demo.address, 1280, 900)
    browser.wait(lambda: browser.data("live-picture", "state") == "live", "a live picture")
    browser.wait(lambda: browser.data("why-picture", "state") == "shown", "a Grad-CAM")
    browser.wait(lambda: browser.text("decision-target"), "a decision")
    browser.wait(
        lambda: browser.text("outcome-pill") in ("fired", "confirmed"), "an answer of the machine"
    )
    assert browser.text("machine-pill-text") == "armed"
    assert browser.text("decision-reason")
    assert browser.text("decision-sentence")
    assert "logit" in browser.text("why-scale")
    assert browser.text("frame-pill-age").endswith(" s")
    browser.photograph(screenshots(tmp_path) / "demo-1280.png")
    browser.size(360, 740)
    root = "document.documentElement"
    assert browser.run(f"return {root}.scrollWidth <= {root}.clientWidth")
    browser.photograph(screenshots(tmp_path) / "demo-360.png")
    assert browser.problems() == []

"""The model's page: what it shows, to whom, and what it takes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboard_rig import World
from flask.testing import FlaskClient

# The builders of swaps, also where only this folder is run.
sys.path.insert(0, str(Path(__file__).parents[1] / "swap"))

from bundle_copies import edit_manifest, replace_file
from swap_rig import damage, device, make_live, places_of, stage, standing_of

from edge.bundle import Bundle, with_thresholds
from edge.dashboard.model.pages import blueprint
from edge.domain import NOT_REPORTED
from edge.swap.places import CONFIGURED
from edge.swap.starting import open_live
from edge.swap.swapper import Swapper

HOSTILE = "<img src=x onerror=alert(1)>"
ACTS = (
    ("/api/model/swap", {"bundle": "new"}),
    ("/api/model/rollback", {}),
    ("/api/model/self-test", {}),
    ("/api/model/notice/dismiss", {}),
)


class Page:
    """The page over a device's folder; counts how often the device was to begin anew."""

    def __init__(self, config: Path, **thresholds: float) -> None:
        self.begun = 0
        places = places_of(config)
        self.swapper = Swapper(places, self._begin)
        live = open_live(places)
        bundle = with_thresholds(live.bundle, thresholds)
        folder = config.parent / "dashboard"
        folder.mkdir()
        self.world = World(folder, pages=[blueprint(self.swapper, live, bundle)])
        self.client = self.world.client()

    def _begin(self) -> None:
        self.begun += 1

    def person(self, name: str) -> FlaskClient:
        client = self.world.app.test_client()
        client.set_cookie("bricksight", self.world.cookie(name))
        return client


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return device(tmp_path, "new")


@pytest.fixture
def page(config: Path) -> Iterator[Page]:
    built = Page(config)
    yield built
    built.world.store.close()


# --- what it shows ---


def test_it_shows_the_model_its_figures_its_labels_and_its_card(
    page: Page, shipped: Bundle
) -> None:
    text = page.client.get("/model").text
    size = shipped.preprocessing.size_px
    judged = json.loads(shipped.path("evaluation").read_text(encoding="utf-8"))["test"]
    for part in (
        shipped.sha256[:12],
        f"{size} x {size} px, letterbox",
        "Mean average precision",
        f"by chance {judged['chance_average_precision']:.3f}",
        f"saying “all absent” gives {100 * judged['all_absent_accuracy']:.1f} %",
        "F1 on photographs",
        "<polyline",
        "Brick 1x2 with two studs on one side",
        "Where it fails",
        "folder new",
        "Calibration error",
    ):
        assert part in text
    # A label that no test picture has is not judged.
    precisions = [row["average_precision"] for row in judged["labels"].values()]
    bars = len(precisions) - precisions.count(None)
    assert text.count('<rect class="plot-bar" x=') == bars > len(shipped.labels) // 2
    assert "style=" not in text


def test_a_threshold_of_the_settings_stands_beside_that_of_the_model(
    config: Path, shipped: Bundle
) -> None:
    label = next(x for x in shipped.labels if shipped.thresholds[x.index] < NOT_REPORTED)
    page = Page(config, **{label.id: 0.75})
    text = page.client.get("/model").text
    own = f"{shipped.thresholds[label.index]:.3f}"
    assert f'0.750 <span class="muted">(model {own})</span>' in text
    assert "at the model's own thresholds" in text
    page.world.store.close()


def test_only_an_admin_is_offered_a_swap(page: Page) -> None:
    assert "data-swap" in page.person("ada").get("/model").text
    for name in ("tess", "vera"):
        assert "data-swap" not in page.person(name).get("/model").text
    assert "test-again" not in page.person("vera").get("/model").text


def test_what_a_bundle_says_is_never_markup(config: Path) -> None:
    bundle = config.parent / "models" / "new"
    card = f"# {HOSTILE}\n\n- **{HOSTILE}**\n\n| {HOSTILE} |\n|---|\n| `{HOSTILE}` |\n\n```\n</pre>"
    replace_file(bundle, "model_card", card.encode())
    evaluation = {
        "test": {
            "strata": {HOSTILE: {HOSTILE: {"micro_f1": 0.5, "pictures": 3}}},
            "look_alikes": [{"missed": HOSTILE, "reported": HOSTILE, "times": 3.0}],
        },
        HOSTILE: HOSTILE,
    }
    replace_file(bundle, "evaluation", json.dumps(evaluation).encode())
    edit_manifest(bundle, _rename)
    make_live(config, "new")
    page = Page(config)
    text = page.client.get("/model").text
    assert "<img src=x" not in text
    assert text.count("&lt;img") >= 8
    page.world.store.close()


def _rename(values: dict[str, Any]) -> None:
    values["name"] = values["created_at"] = values["source"]["commit"] = HOSTILE
    values["labels"][0]["name"] = HOSTILE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"{" * 50_000,
        b'{"test": 5}',
        b'{"test": {"labels": [], "reliability": {}, "strata": [], "look_alikes": 3, "size": 1}}',
        b'{"test": {"mean_average_precision": NaN, "micro_f1": Infinity, "pictures": 1e999}}',
        b'{"test": {"pictures": "many", "x": true, "labels": {"11211": {"support": 1e400}}}}',
        b'{"test": {"reliability": [null, {}, {"decisions": 0, "probability": 0, "share": 0},'
        b' {"decisions": -5, "probability": 2, "share": -3}]}}',
        b'{"test": {"strata": {"a": {"b": {"micro_f1": 1e300}}, "c": 3}, "pictures": 1'
        + b"0" * 400
        + b"}}",
    ],
)
def test_any_evaluation_can_be_shown(config: Path, content: bytes) -> None:
    replace_file(config.parent / "models" / "new", "evaluation", content)
    make_live(config, "new")
    page = Page(config)
    assert page.client.get("/model").status_code == 200
    page.world.store.close()


def test_a_file_that_was_changed_since_the_start_is_not_shown(config: Path) -> None:
    make_live(config, "new")
    page = Page(config)
    for name in ("MODEL_CARD.md", "evaluation.json"):
        (config.parent / "models" / "new" / name).unlink()
    text = page.client.get("/model").text
    assert "MODEL_CARD.md cannot be read" in text
    assert "evaluation.json cannot be read" in text
    page.world.store.close()


def test_a_model_that_was_given_up_is_said_first_until_somebody_read_it(config: Path) -> None:
    make_live(config, "new")
    damage(config.parent / "models" / "new")
    page = Page(config)
    text = page.client.get("/model").text
    assert "new was given up" in text
    assert text.index("given up") < text.index("Self-test")
    assert page.client.post("/api/model/notice/dismiss", json={}).status_code == 200
    assert "given up" not in page.client.get("/model").text
    page.world.store.close()


# --- what it takes ---


def test_a_swap_by_a_person_who_just_gave_their_password(page: Page, config: Path) -> None:
    answer = page.client.post("/api/model/swap", json={"bundle": "new"})
    assert answer.status_code == 200
    assert answer.json["name"] == "new"
    assert (page.begun, standing_of(config).live.id) == (1, "new")
    state = page.client.get("/api/model").json
    assert (state["running"], state["live"], state["previous"]) == (CONFIGURED, "new", CONFIGURED)
    assert "from the next start on" in page.client.get("/model").text
    assert page.client.post("/api/model/rollback", json={}).status_code == 200
    assert (page.begun, standing_of(config).live.id) == (2, CONFIGURED)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        ({"bundle": 5}, 400),
        ({"bundle": None}, 400),
        ({"bundle": "new", "path": "/tmp"}, 400),
        ({"bundle": "other"}, 404),
        ({"bundle": "../models/new"}, 404),
        ({"bundle": "/etc"}, 404),
        ({"bundle": "new\0"}, 404),
        ({"bundle": ""}, 404),
    ],
)
def test_a_body_that_names_no_staged_model(page: Page, body: Any, status: int) -> None:
    answer = page.client.post("/api/model/swap", json=body)
    assert answer.status_code == status
    assert page.begun == 0


def test_a_refused_model_is_answered_with_why_and_without_paths(page: Page, config: Path) -> None:
    damage(config.parent / "models" / "new")
    answer = page.client.post("/api/model/swap", json={"bundle": "new"})
    assert answer.status_code == 409
    assert "SHA-256" in answer.json["error"]
    assert str(config.parent) not in answer.text
    assert page.begun == 0


def test_going_back_where_there_is_nothing_to_go_back_to(page: Page) -> None:
    answer = page.client.post("/api/model/rollback", json={})
    assert answer.status_code == 409
    assert "no model to go back to" in answer.json["error"]


def test_a_damaged_record_is_said_and_not_overwritten(page: Page, config: Path) -> None:
    record = places_of(config).record
    record.write_text("{")
    shown = page.client.get("/model")
    assert "remove it" in shown.text
    answer = page.client.post("/api/model/swap", json={"bundle": "new"})
    assert answer.status_code == 503
    assert str(config.parent) not in shown.text + answer.text
    assert record.read_text() == "{"


def test_a_model_that_does_not_fit_the_settings_is_said_without_paths(
    page: Page, config: Path
) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["labels"][0]["id"] = "other"

    edit_manifest(config.parent / "models" / "new", edit)
    answer = page.client.post("/api/model/swap", json={"bundle": "new"})
    assert answer.status_code == 409
    assert answer.json["error"].startswith("edge.toml, line ")


def test_the_self_test_can_be_run_again(page: Page) -> None:
    answer = page.client.post("/api/model/self-test", json={})
    assert answer.status_code == 200
    assert [one["role"] for one in answer.json["pictures"]] == [f"self_test_{i}" for i in range(4)]
    assert all(one["measure"] <= answer.json["tolerance"] for one in answer.json["pictures"])


@pytest.mark.parametrize(("path", "body"), ACTS)
def test_nobody_else_changes_anything(
    page: Page, config: Path, path: str, body: dict[str, str]
) -> None:
    assert page.world.app.test_client().post(path, json=body).status_code == 401
    assert page.person("vera").post(path, json=body).status_code == 403
    if path in ("/api/model/swap", "/api/model/rollback"):
        assert page.person("tess").post(path, json=body).status_code == 403
    assert page.client.get(path).status_code in (404, 405)
    assert page.begun == 0
    assert not places_of(config).record.exists()


def test_a_list_of_many_models_is_bounded(config: Path) -> None:
    for number in range(60):
        (config.parent / "models" / f"m{number}").mkdir()
    stage(config.parent, "a-first")
    page = Page(config)
    assert page.client.get("/model").text.count("refused</span>") < 51
    page.world.store.close()

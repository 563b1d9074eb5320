"""LIME as JSON and as pictures."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from dashboard_rig import (
    LABELS,
    NOW_S,
    PREPROCESSING,
    SIDE,
    SPOTS,
    World,
    explain,
    lime,
    pile,
    predict,
)
from flask.testing import FlaskClient
from numpy.typing import NDArray

from edge.dashboard.live import lime_pictures
from edge.dashboard.live.lime_pictures import LIMES_KEPT, RESULTS_KEPT, LimePictures
from edge.dashboard.live.pictures import EXPLANATIONS_KEPT
from edge.explain.worker.progress import ExplainState, Progress

GREY = np.full((240, 320, 3), 120, np.uint8)
DONE, SAMPLING = ExplainState.DONE, ExplainState.SAMPLING


def _state(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/state")
    assert answer.status_code == 200
    json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"found {name}"))
    assert answer.json is not None
    return dict(answer.json)


def _decoded(data: bytes | None) -> NDArray[np.int64]:
    assert data is not None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image[..., ::-1], np.int64)


def _halves(left: float, right: float) -> NDArray[np.float32]:
    cells = np.full((SIDE, SIDE), left, np.float32)
    cells[:, SIDE // 2 :] = right
    return cells.ravel()


# --- JSON ---


def test_a_request_that_waits_says_what_it_will_be_of(client: FlaskClient, world: World) -> None:
    seen = predict(pile(), 6, NOW_S - 1.5)
    world.show(lime=(lime(seen, 4, ExplainState.QUEUED, samples=0, pinned=True),))
    state = _state(client)
    [shown] = state["lime"]
    labels = shown.pop("labels")
    assert shown == {
        "number": 4,
        "sequence": 6,
        "state": "queued",
        "over": False,
        "pinned": True,
        "samples": 0,
        "budget": 0,
        "lowered_from": None,
        "problem": None,
        "explanation": None,
    }
    assert labels[0] == {"index": 0, "id": "3001", "name": "Brick 2x4"}
    assert state["age_ms"]["lime"] == {"4": 1500}


def test_lime_says_how_far_it_can_be_believed(client: FlaskClient, world: World) -> None:
    world.show(lime=(lime(predict(pile(), 6), r2=0.31),))
    explained = _state(client)["lime"][0]["explanation"]
    labels, warnings = explained.pop("labels"), explained.pop("warnings")
    assert explained == {
        "method": "lime",
        "engine": "bricksight",
        "design": "hadamard",
        "seed": 0,
        "hide": "mean",
        "target": "logit",
        "ended": "budget",
        "superpixels": 64,
        "milliseconds": 1234.5,
        "scale_max": 0.6,
        "scale_name": "this frame",
    }
    agreed = labels[0].pop("agreement")
    assert labels[0] == {
        "index": 0,
        "id": "3001",
        "name": "Brick 2x4",
        "confidence": 0.94,
        "max": 0.6,
        "min": -0.3,
        "no_evidence": False,
        "r2": 0.31,
        "standard_error": 0.02,
        "stability": 0.9,
    }
    assert labels[1]["max"] == pytest.approx(0.48)
    # HiResCAM is |i - 40| and LIME rises with i: the ten strongest are 0..9 and 54..63, so that
    # 0..9 but for those as strong as 63 (23 away) speak in HiResCAM alone.
    assert agreed["both"] + agreed["only_cam"] == agreed["both"] + agreed["only_lime"] == 10
    assert (agreed["both"], agreed["none"]) == (0, 44)
    assert agreed["jaccard"] == 0
    assert len(warnings) == len(LABELS)
    assert warnings[0].startswith("3001: a line explains 31 % (R2)")


def test_values_of_lime_that_are_no_numbers_are_null(client: FlaskClient, world: World) -> None:
    nan = float("nan")
    broken = lime(predict(pile(), 6), coefficients=np.full(64, nan, np.float32), r2=nan)
    assert broken.explanation is not None
    broken.explanation.details["standard_errors"] = np.full((4, 64), np.inf, np.float32)
    broken.explanation.details["stability"] = np.full(4, nan, np.float32)
    even = replace(broken.agreements[0], spearman=nan, jaccard=nan, signs=nan)
    world.show(lime=(replace(broken, agreements=(even,) * 4),))
    explained = _state(client)["lime"][0]["explanation"]
    assert explained["scale_max"] is None
    for key in ("max", "min", "r2", "standard_error", "stability"):
        assert explained["labels"][0][key] is None
    assert explained["labels"][0]["no_evidence"] is True
    agreed = explained["labels"][0]["agreement"]
    assert agreed["spearman"] is agreed["jaccard"] is agreed["signs"] is None
    assert client.get("/lime/1/0.jpg").status_code == 200


def test_why_it_failed_is_text_from_outside(client: FlaskClient, world: World) -> None:
    why = "<b>died</b>\x1b[31m" + "x" * 5000
    world.show(lime=(lime(predict(pile(), 6), 2, ExplainState.FAILED, samples=0, problem=why),))
    [shown] = _state(client)["lime"]
    assert (shown["state"], shown["over"]) == ("failed", True)
    assert shown["problem"].startswith("<b>died</b> [31m")
    assert len(shown["problem"]) == 401


def test_the_etag_changes_as_lime_goes_on(client: FlaskClient, world: World) -> None:
    seen = predict(pile(), 6)
    etags = set()
    for samples in (16, 32):
        world.board.replace(
            replace(world.board.current(), lime=(lime(seen, 1, SAMPLING, samples),))
        )
        etags.add(client.get("/api/state").headers["ETag"])
        world.now_s += 1
        etags.add(client.get("/api/state").headers["ETag"])
    assert len(etags) == 2


# --- pictures ---


def test_for_is_orange_and_against_is_blue(client: FlaskClient, world: World) -> None:
    world.show(
        prediction=predict(pile(), 9),
        lime=(lime(predict(GREY, 4), coefficients=_halves(-0.5, 0.5)),),
    )
    answer = client.get("/lime/1/0.jpg?samples=336")
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    shown = _decoded(answer.data)
    assert shown.shape == GREY.shape
    red, blue = shown[..., 0], shown[..., 2]
    against, speaks = (
        np.median(blue[:, :150] - red[:, :150]),
        np.median(red[:, 170:] - blue[:, 170:]),
    )
    assert against > 90
    assert speaks > 90
    assert np.abs(_decoded(client.get("/lime/1.jpg").data) - 120).max() <= 2


def test_superpixels_are_outlined_and_the_strongest_marked() -> None:
    alone = np.zeros(SIDE * SIDE, np.float32)
    alone[3 * SIDE + 3] = 1
    shown = _drawn(lime(predict(GREY, 4), coefficients=alone))
    # The picture is 320 x 240 on a square of 64, of which 48 rows are the picture: a superpixel
    # is 40 pixels wide, and the fourth row of them ends half way down.
    row, column = 100, 140
    assert shown[row - 14 : row + 14, column - 14 : column + 14].min(axis=2).max() > 200
    inside = shown[90:95, 48:72].mean()
    border = shown[90:95, 39:42].mean(axis=(0, 2)).max()
    assert border > inside + 25


def test_a_label_without_coefficients_is_the_plain_picture_with_outlines() -> None:
    shown = _drawn(lime(predict(GREY, 4), coefficients=np.zeros(SIDE * SIDE, np.float32)))
    assert np.ptp(shown.astype(int), axis=2).max() <= 6
    assert np.abs(np.median(shown) - 120) <= 2


def _drawn(progress: Progress) -> NDArray[np.int64]:
    kept = LimePictures(PREPROCESSING)
    kept.note((progress,))
    return _decoded(kept.drawn(progress.request.number, 0))


def test_interim_results_are_shown_and_the_final_one_stays(
    client: FlaskClient, world: World
) -> None:
    seen = predict(GREY, 4)
    world.show(lime=(lime(seen, 1, ExplainState.SEGMENTING, samples=0),))
    assert client.get("/lime/1.jpg").status_code == 200
    assert client.get("/lime/1/0.jpg").status_code == 404
    world.show(lime=(lime(seen, 1, SAMPLING, 16, coefficients=_halves(0.1, -0.5)),))
    interim = client.get("/lime/1/0.jpg?samples=16").data
    world.show(lime=(lime(seen, 1, SAMPLING, 32, coefficients=_halves(-0.5, 0.2)),))
    # Who was told of the first one still gets it, and the newest is the other.
    newest = client.get("/lime/1/0.jpg").data
    assert newest != interim
    assert client.get("/lime/1/0.jpg?samples=16").data == interim
    assert client.get("/lime/1/0.jpg?samples=32").data == newest
    world.show(lime=(lime(seen, 1, DONE, 48, coefficients=_halves(-0.5, 0.5)),))
    assert client.get("/lime/1/0.jpg?samples=48").status_code == 200
    # It may be over before a page asks for what it was told a moment ago.
    assert client.get("/lime/1/0.jpg?samples=16").data == interim
    gone = client.get("/lime/1/0.jpg?samples=17")
    assert gone.status_code == 404
    assert gone.json is not None
    assert gone.json["error"].startswith("LIME 1 of 17 samples has no such picture any more")


@pytest.mark.parametrize(
    "address", ["/lime/2/0.jpg", "/lime/1/7.jpg", "/lime/2.jpg", "/lime/-1.jpg"]
)
def test_what_is_not_known_is_a_404_in_json(
    client: FlaskClient, world: World, address: str
) -> None:
    world.show(lime=(lime(predict(GREY, 4)),))
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (404, "application/json")


@pytest.mark.parametrize("samples", ["", "x", "1e3", "9" * 30])
def test_samples_are_a_whole_number(client: FlaskClient, world: World, samples: str) -> None:
    world.show(lime=(lime(predict(GREY, 4)),))
    answer = client.get(f"/lime/1/0.jpg?samples={samples}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert "samples" in answer.json["error"]


def test_only_the_last_requests_and_interim_results_are_kept() -> None:
    kept = LimePictures(PREPROCESSING)
    seen = predict(GREY, 4)
    for number in range(1, LIMES_KEPT + 2):
        kept.note((lime(seen, number),))
    assert kept.drawn(1, 0) is kept.plain(1) is None
    assert kept.drawn(2, 0) is not None
    last = LIMES_KEPT + 2
    for samples in range(1, RESULTS_KEPT + 2):
        kept.note((lime(seen, last, SAMPLING, samples),))
    assert kept.drawn(last, 0, 1) is None
    assert kept.drawn(last, 0, 2) is not None
    # What is on the board stays, however much is told of something else.
    for number in range(100, 100 + 2 * LIMES_KEPT):
        kept.note((lime(seen, number), lime(seen, last)))
    assert kept.drawn(last, 0) is not None


def test_lime_is_drawn_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    real = lime_pictures.encode
    monkeypatch.setattr(lime_pictures, "encode", lambda image: encoded.append(1) or real(image))
    kept = LimePictures(PREPROCESSING)
    told = (lime(predict(pile(), 4)),)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kept.note, [told] * 8))
        answers = set(pool.map(kept.drawn, [1] * 16, [0] * 16, [336] * 16))
    assert len(answers) == len(encoded) == 1


def test_gradcam_is_held_as_long_as_its_lime_is_on_the_board(
    client: FlaskClient, world: World
) -> None:
    seen = predict(pile(), 4)
    world.show(explanation=explain(seen, SPOTS), lime=(lime(seen, 1, SAMPLING, 16),))
    client.get("/api/state")
    for sequence in range(5, 5 + 3 * EXPLANATIONS_KEPT):
        world.show(explanation=explain(predict(pile(), sequence), SPOTS))
        client.get("/api/state")
    assert client.get("/explanation/4/1.jpg").status_code == 200
    assert client.get("/explanation/5/1.jpg").status_code == 404
    world.show(lime=())
    client.get("/api/state")
    assert client.get("/explanation/4/1.jpg").status_code == 404


def test_the_bar_of_lime_has_two_sides_and_none_in_the_middle(client: FlaskClient) -> None:
    answer = client.get("/colour-bar.png?style=signed")
    assert answer.mimetype == "image/png"
    bar = _decoded(answer.data)[8]
    assert bar[0, 2] > bar[0, 0] + 150
    assert bar[-1, 0] > bar[-1, 2] + 150
    assert np.ptp(bar[127:129], axis=1).max() <= 12
    assert client.get("/colour-bar.png").data == client.get("/colour-bar.png?style=spotlight").data


def test_an_unknown_bar_names_those_there_are(client: FlaskClient) -> None:
    answer = client.get("/colour-bar.png?style=jet")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "style='jet': expected spotlight or inferno or signed"

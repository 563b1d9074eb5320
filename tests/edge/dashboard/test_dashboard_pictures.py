"""Frames and explanations as pictures."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from dashboard_rig import NOW_S, SPOTS, World, everything, explain, pile, predict
from flask.testing import FlaskClient
from numpy.typing import NDArray

from edge.dashboard.live import pictures
from edge.dashboard.live.pictures import EXPLANATIONS_KEPT, ExplainedPictures, FrameEncoder
from edge.domain import Frame
from edge.explain.overlay import IN_THE_DARK
from edge.preprocessing import Preprocessing


def _decoded(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image[..., ::-1], np.uint8)


def _even(grey: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    return np.full((height, width, 3), grey, np.uint8)


def _half(left: float, right: float) -> NDArray[np.float32]:
    heat = np.full((8, 8), left, np.float32)
    heat[:, 4:] = right
    return heat


# --- the frame ---


def test_before_the_first_frame_there_is_none(client: FlaskClient) -> None:
    answer = client.get("/frame.jpg?after=-1")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "X-Frame-Sequence" not in answer.headers


def test_the_newest_frame_has_its_number_and_its_age(client: FlaskClient, world: World) -> None:
    world.show(prediction=predict(pile(), 7, NOW_S - 0.25))
    answer = client.get("/frame.jpg?after=6")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.headers["X-Frame-Sequence"] == "7"
    assert answer.headers["X-Frame-Age-Ms"] == "250"
    assert answer.headers["Cache-Control"] == "no-store"
    shown = _decoded(answer.data)
    assert shown.shape == (480, 640, 3)
    assert float(np.abs(shown.astype(int) - pile()).mean()) < 4


@pytest.mark.parametrize("after", [7, 8, 10**17])
def test_a_frame_that_is_not_newer_is_not_sent(
    client: FlaskClient, world: World, after: int
) -> None:
    world.show(prediction=predict(pile(), 7, NOW_S - 3))
    answer = client.get(f"/frame.jpg?after={after}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["X-Frame-Sequence"] == "7"
    assert answer.headers["X-Frame-Age-Ms"] == "3000"


@pytest.mark.parametrize("after", ["", "x", "1.5", "9" * 40, "٣", "1;2", "%00"])
def test_a_bad_number_is_refused(client: FlaskClient, world: World, after: str) -> None:
    world.show(prediction=predict(pile(), 7))
    answer = client.get("/frame.jpg", query_string=f"after={after}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert "sequence number" in answer.json["error"]


def test_a_frame_from_the_future_is_not_younger_than_now(client: FlaskClient, world: World) -> None:
    world.show(prediction=predict(pile(), 7, NOW_S + 5))
    assert client.get("/frame.jpg").headers["X-Frame-Age-Ms"] == "0"


def test_a_large_frame_is_sent_smaller(client: FlaskClient, world: World) -> None:
    world.show(prediction=predict(pile(0, 2560, 1440), 7))
    assert _decoded(client.get("/frame.jpg").data).shape == (720, 1280, 3)


def test_a_frame_is_encoded_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    real = pictures.encode
    monkeypatch.setattr(pictures, "encode", lambda image: encoded.append(1) or real(image))
    encoder, frame = FrameEncoder(), Frame(1, 0.0, pile())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(encoder.jpeg, [frame] * 32))
    assert len(encoded) == 1
    assert len(set(answers)) == 1
    encoder.jpeg(Frame(2, 0.0, pile()))
    assert len(encoded) == 2


# --- explanations ---


def test_a_map_is_drawn_on_its_own_picture_not_on_the_newest(
    client: FlaskClient, world: World
) -> None:
    explained = predict(_even(60), 4)
    world.show(
        prediction=predict(_even(220), 5),
        explanation=explain(explained, {0: _half(0.0, 1.0), 1: _half(0.5, 0.0)}),
    )
    shown = _decoded(client.get("/explanation/4/0.jpg").data).astype(int)
    assert shown.shape == (48, 64, 3)
    # No evidence on the left: the picture in the dark, of frame 4 and not of frame 5.
    assert np.abs(shown[:, :18] - IN_THE_DARK * 60).max() <= 6
    # Full evidence on the right: the picture itself.
    assert np.abs(shown[10:-10, 52:-6] - 60).max() <= 12
    plain = _decoded(client.get("/explained/4.jpg").data)
    assert np.abs(plain.astype(int) - 60).max() <= 2


def test_all_maps_of_a_frame_share_one_scale(client: FlaskClient, world: World) -> None:
    weak, strong = _half(0.25, 0.0), _half(0.0, 1.0)
    world.show(explanation=explain(predict(_even(60), 4), {0: weak, 1: strong}))
    shown = _decoded(client.get("/explanation/4/0.jpg").data).astype(int)
    # A quarter of the scale is half of the light (square root).
    expected = (0.5 * IN_THE_DARK + 0.5) * 60
    assert np.abs(shown[10:-10, 6:14] - expected).max() <= 12


def test_a_map_without_evidence_is_the_plain_picture(client: FlaskClient, world: World) -> None:
    world.show(explanation=explain(predict(pile(), 4), SPOTS))
    plain = client.get("/explained/4.jpg")
    assert plain.mimetype == "image/jpeg"
    assert client.get("/explanation/4/2.jpg").data == plain.data
    assert client.get("/explanation/4/0.jpg").data != plain.data


def test_the_last_explanations_are_kept_and_older_ones_are_gone(
    client: FlaskClient, world: World
) -> None:
    for sequence in range(1, EXPLANATIONS_KEPT + 2):
        world.show(explanation=explain(predict(_even(60), sequence), {0: _half(0, 1)}))
        client.get("/api/state")
    assert client.get("/explanation/2/0.jpg").status_code == 200
    assert client.get("/explained/2.jpg").status_code == 200
    for address in ("/explanation/1/0.jpg", "/explained/1.jpg", "/explanation/2/1.jpg"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert answer.json is not None
        assert "/api/state" in answer.json["error"]


def test_a_second_explanation_of_a_frame_does_not_hide_the_first(
    client: FlaskClient, world: World
) -> None:
    seen = predict(_even(60), 4)
    for index in (0, 1):
        world.show(explanation=explain(seen, {index: _half(0, 1)}))
        client.get("/api/state")
    assert client.get("/explanation/4/0.jpg").status_code == 200
    assert client.get("/explanation/4/1.jpg").status_code == 200


def test_an_explanation_is_drawn_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    real = pictures.encode
    monkeypatch.setattr(pictures, "encode", lambda image: encoded.append(1) or real(image))
    kept = ExplainedPictures(Preprocessing(64))
    explanation = explain(predict(pile(), 4), SPOTS)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kept.note, [explanation] * 8))
        answers = set(pool.map(kept.drawn, [4] * 16, [0] * 16))
    assert len(answers) == len(encoded) == 1


def test_a_cropped_map_lies_where_the_model_looked() -> None:
    kept = ExplainedPictures(Preprocessing(64, "crop"))
    wide = predict(_even(60, 48, 96), 4)
    kept.note(explain(wide, {0: np.ones((8, 8), np.float32)}))
    shown = _decoded(kept.drawn(4, 0) or b"").astype(int)
    assert np.abs(shown[:, :16] - IN_THE_DARK * 60).max() <= 8
    assert np.abs(shown[:, -16:] - IN_THE_DARK * 60).max() <= 8
    assert np.abs(shown[20:28, 44:52] - 60).max() <= 8


def test_the_colour_bar_goes_from_none_to_the_most(client: FlaskClient) -> None:
    answer = client.get("/colour-bar.png")
    assert answer.mimetype == "image/png"
    bar = _decoded(answer.data).astype(int)
    assert bar.shape == (16, 256, 3)
    assert np.ptp(bar[:, 0]) == 0
    assert bar[8, -1, 0] > bar[8, 128, 0] > bar[8, 40, 0]


def test_every_address_of_a_full_board_answers(client: FlaskClient, world: World) -> None:
    world.show(**everything(3, NOW_S))
    state = client.get("/api/state").json
    assert state is not None
    for label in state["explanation"]["labels"]:
        address = f"/explanation/{state['explanation']['sequence']}/{label['index']}.jpg"
        assert client.get(address).status_code == 200


# --- how maps are drawn ---


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("look=jet", "expected spotlight, heat, contour"),
        ("scale=jet", "a number above 0"),
        ("scale=0", "a number above 0"),
        ("scale=-1", "a number above 0"),
        ("scale=nan", "a number above 0"),
        ("scale=inf", "a number above 0"),
        ("scale=1e9", "a number above 0"),
    ],
)
@pytest.mark.parametrize("address", ["/explanation/7/0.jpg", "/lime/1/0.jpg"])
def test_a_drawing_that_cannot_be_says_what_can(
    client: FlaskClient, address: str, query: str, said: str
) -> None:
    answer = client.get(f"{address}?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert said in answer.json["error"]


def test_looks_and_scales_are_drawn_apart(client: FlaskClient, world: World) -> None:
    explanation = explain(predict(pile(), 7), SPOTS)
    world.show(explanation=explanation)
    drawn = {
        query: client.get(f"/explanation/7/0.jpg?{query}").data
        for query in ("", "look=heat", "look=contour", "scale=0.001", "scale=map", "scale=frame")
    }
    assert drawn[""] == drawn["scale=frame"]
    assert len(set(drawn.values())) in (4, 5)  # The label may be the frame's strongest.
    plain = _decoded(client.get("/explained/7.jpg").data).astype(int)
    changed = {
        query: (np.abs(_decoded(data).astype(int) - plain).max(axis=2) > 40).mean()
        for query, data in drawn.items()
    }
    # Lines touch few pixels, a spotlight most of them.
    assert 0 < changed["look=contour"] < 0.1 < changed[""]

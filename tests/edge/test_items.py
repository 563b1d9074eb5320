"""Many frames become one item."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from builders import LABELS, make_prediction
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain import Prediction
from edge.errors import ConfigError
from edge.items import Item, ItemAssembler, ItemSettings, Trigger
from edge.scene import difference, thumbnail

BRICK = (0.9, 0.1, 0.0, 0.0)
PLATE = (0.1, 0.0, 0.8, 0.0)
NOTHING = (0.1, 0.1, 0.1, 0.1)


class Camera:
    """Feeds frames a tenth of a second apart and keeps the items."""

    def __init__(self, **settings: object) -> None:
        self.assembler = ItemAssembler(ItemSettings(**settings))  # type: ignore[arg-type]
        self.items: list[Item] = []
        self.frames = 0

    def shows(self, grey: int, times: int = 1, what: tuple[float, ...] = BRICK) -> list[Item]:
        """The items that came out of these frames."""
        before = len(self.items)
        for _ in range(times):
            item = self.assembler.add(self.frame(grey, what))
            self.items += [] if item is None else [item]
        return self.items[before:]

    def frame(self, grey: int, what: tuple[float, ...] = BRICK) -> Prediction:
        self.frames += 1
        return make_prediction(
            what, captured_at_s=self.frames / 10, sequence=self.frames, grey=grey
        )


# --- stillness ---


def test_an_item_comes_after_k_frames_at_rest() -> None:
    camera = Camera(k=3, n=5)
    assert camera.shows(80, times=3) == []
    (item,) = camera.shows(80)
    assert item.number == 1
    assert item.labels == (LABELS[0],)
    assert item.agreed
    assert [frame.sequence for frame in item.frames] == [2, 3, 4]
    assert item.newest.frame.sequence == 4
    assert item.started_at_s == pytest.approx(0.2)
    assert item.trigger is Trigger.STILL


def test_a_scene_in_motion_is_no_item() -> None:
    camera = Camera()
    for grey in range(0, 250, 10):
        assert camera.shows(grey) == []


def test_motion_begins_the_count_again() -> None:
    camera = Camera(k=3, n=5)
    camera.shows(80, times=3)
    assert camera.shows(120, times=3) == []
    assert len(camera.shows(120)) == 1


def test_one_scene_is_one_item_however_long_it_lies_there() -> None:
    camera = Camera()
    assert len(camera.shows(80, times=200)) == 1


def test_the_next_item_comes_after_the_scene_changed_even_to_an_equal_one() -> None:
    camera = Camera()
    camera.shows(80, times=6)
    camera.shows(200)
    (second,) = camera.shows(80, times=6)
    assert second.number == 2
    assert len(camera.items) == 2


def test_a_slow_change_of_light_is_no_new_item() -> None:
    camera = Camera(light_drift=0.5, changed_threshold=4.0)
    for grey in range(60, 120):
        camera.shows(grey, times=5)
    assert len(camera.items) == 1


def test_without_following_the_light_the_same_change_is_a_new_scene() -> None:
    camera = Camera(light_drift=0.0, changed_threshold=4.0)
    for grey in range(60, 120):
        camera.shows(grey, times=5)
    assert len(camera.items) > 1


def test_an_empty_scene_that_was_learnt_is_never_an_item() -> None:
    camera = Camera()
    camera.assembler.learn_empty(camera.frame(200, NOTHING))
    assert camera.shows(200, times=20, what=NOTHING) == []
    assert len(camera.shows(80, times=6)) == 1
    assert camera.shows(201, times=20, what=NOTHING) == []
    assert len(camera.shows(80, times=6)) == 1


def test_a_picture_of_another_size_is_another_scene() -> None:
    camera = Camera(k=1, n=1)
    camera.shows(80, times=2)
    assert len(camera.items) == 1
    wide = camera.frame(80)
    small = Prediction(
        wide.frame, np.full((20, 20, 3), 80, np.uint8), wide.logits, wide.probabilities, ()
    )
    assert camera.assembler.add(small) is None
    assert camera.assembler.add(small) is not None


def test_after_a_reset_the_scene_counts_again() -> None:
    camera = Camera()
    camera.shows(80, times=6)
    camera.assembler.reset()
    (item,) = camera.shows(80, times=6)
    assert item.number == 2


# --- k of n ---


def test_a_label_has_to_be_on_k_of_the_last_n_frames() -> None:
    camera = Camera(k=3, n=5)
    camera.shows(80)
    both = (0.9, 0.1, 0.8, 0.0)
    for what in (BRICK, both, BRICK):
        assert camera.shows(80, what=what) == []
    (item,) = camera.shows(80, what=BRICK)
    assert item.labels == (LABELS[0],)
    assert (item.agreeing, item.needed, len(item.predictions)) == (3, 3, 4)


def test_labels_come_most_confident_first() -> None:
    camera = Camera(k=2, n=3)
    (item,) = camera.shows(80, times=3, what=(0.6, 0.0, 0.9, 0.0))
    assert item.labels == (LABELS[2], LABELS[0])


def test_frames_that_never_agree_are_given_in_the_end_as_not_agreed() -> None:
    camera = Camera(k=3, n=4, patience_frames=8)
    camera.shows(80)
    whats = itertools.cycle([BRICK, PLATE])
    for what in itertools.islice(whats, 7):
        assert camera.shows(80, what=what) == []
    (item,) = camera.shows(80, what=next(whats))
    assert not item.agreed
    assert item.labels == ()
    assert len(item.predictions) == 4


def test_probabilities_are_the_mean_over_the_frames() -> None:
    camera = Camera(k=2, n=2, patience_frames=2)
    camera.shows(80)
    camera.shows(80, what=(0.6, 0.0, 0.0, 0.2))
    (item,) = camera.shows(80, what=(0.8, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(item.probabilities, [0.7, 0.0, 0.0, 0.1], atol=1e-6)


@settings(deadline=None)
@given(
    st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(n // 2 + 1, n), st.just(n))),
    st.lists(st.sets(st.integers(0, 3)), min_size=1, max_size=30),
)
def test_an_item_never_has_a_label_that_fewer_than_k_of_its_frames_show(
    k_of_n: tuple[int, int], frames: list[set[int]]
) -> None:
    k, n = k_of_n
    assembler = ItemAssembler(ItemSettings(k=k, n=n, patience_frames=n))
    assembler.add(make_prediction(NOTHING))
    for present in frames:
        item = assembler.add(make_prediction(NOTHING, present=sorted(present)))
        if item is None:
            continue
        for label in LABELS:
            shown = sum(label in seen.present for seen in item.predictions)
            assert (label in item.labels) == (shown >= k)
        same = sum(set(seen.present) == set(item.labels) for seen in item.predictions)
        assert item.agreeing == same
        assert item.agreed == (same >= k)
        break


# --- a sensor ---


def test_a_sensor_begins_an_item_with_the_frames_after_it_moving_or_not() -> None:
    camera = Camera(trigger=Trigger.SENSOR, k=2, n=3)
    assert camera.shows(80, times=10) == []
    assert camera.assembler.sensed(1.15) is None
    assert camera.shows(30) == []  # captured at 1.1, before the event
    assert camera.shows(90) == []
    (item,) = camera.shows(180)
    assert [frame.sequence for frame in item.frames] == [12, 13]
    assert item.started_at_s == 1.15
    assert item.trigger is Trigger.SENSOR
    assert camera.shows(180, times=10) == []


def test_a_second_event_gives_the_unfinished_item_instead_of_losing_it() -> None:
    camera = Camera(trigger=Trigger.SENSOR, k=3, n=3)
    camera.assembler.sensed(0.0)
    camera.shows(80, times=2)
    unfinished = camera.assembler.sensed(0.25)
    assert unfinished is not None
    assert not unfinished.agreed
    assert len(unfinished.predictions) == 2
    (item,) = camera.shows(80, times=3)
    assert (unfinished.number, item.number) == (1, 2)


def test_an_event_without_any_frame_before_the_next_is_counted() -> None:
    camera = Camera(trigger=Trigger.SENSOR)
    camera.assembler.sensed(0.0)
    assert camera.assembler.sensed(0.5) is None
    assert camera.assembler.unseen == 1


def test_a_sensor_event_where_stillness_decides_is_an_error() -> None:
    with pytest.raises(ValueError, match="items begin with still"):
        Camera().assembler.sensed(0.0)


# --- thumbnails and settings ---


def test_a_thumbnail_is_the_mean_of_grey_in_each_cell() -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:2, :3] = (255, 0, 0)
    picture[2:4, :3] = (100, 100, 100)
    small = thumbnail(picture)
    assert small.shape == (32, 32)
    assert small[0, 0] == pytest.approx(0.299 * 255, rel=1e-5)
    assert small[1, 0] == pytest.approx(100, rel=1e-5)
    assert small[2:].max() == 0


@settings(deadline=None)
@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 255))
def test_a_thumbnail_of_an_even_picture_is_even_at_any_size(h: int, w: int, grey: int) -> None:
    small = thumbnail(np.full((h, w, 3), grey, np.uint8))
    assert small.shape == (min(h, 32), min(w, 32))
    np.testing.assert_allclose(small, grey, atol=1e-3)


def test_difference_is_the_mean_of_absolute_differences() -> None:
    first = np.array([[0, 10], [20, 30]], np.float32)
    second = np.array([[4, 10], [20, 22]], np.float32)
    assert difference(first, second) == 3.0
    assert difference(first, None) == float("inf")
    assert difference(first, second[:1]) == float("inf")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 0}, r"items\.n: found 0, expected 1\.\.100"),
        ({"k": 2, "n": 4}, r"items\.k \(more than half of n\): found 2, expected 3\.\.4"),
        ({"k": 6, "n": 5}, r"found 6, expected 3\.\.5"),
        ({"patience_frames": 4}, r"patience_frames: found 4, expected 5\.\.1000"),
        ({"still_threshold": -1.0}, r"still_threshold: found -1\.0"),
        ({"changed_threshold": float("nan")}, "changed_threshold: found nan"),
        ({"light_drift": 1.5}, r"light_drift: found 1\.5, expected 0\.\.1"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ItemSettings(**settings)  # type: ignore[arg-type]


# --- what lies there ---


def _lying(camera: Camera, *places: tuple[int, int]) -> Prediction:
    """A frame of an empty grey place with bright squares on it, 64 pixels wide."""
    seen = camera.frame(80)
    picture = np.full((64, 64, 3), 80, np.uint8)
    for row, column in places:
        picture[row : row + 16, column : column + 16] = 200
    return replace(seen, model_input=picture)


@pytest.mark.parametrize(
    ("places", "objects"), [([(8, 8)], 1), ([(4, 4), (40, 40)], 2), ([(4, 4), (20, 20)], 1)]
)
def test_objects_are_counted_against_the_empty_scene(
    places: list[tuple[int, int]], objects: int
) -> None:
    camera = Camera(k=1, n=1)
    camera.assembler.learn_empty(_lying(camera))
    camera.assembler.add(_lying(camera, *places))
    item = camera.assembler.add(_lying(camera, *places))
    assert item is not None
    assert item.objects == objects
    assert item.evidence.objects == objects


def test_without_an_empty_scene_objects_are_not_counted() -> None:
    camera = Camera(k=1, n=1)
    (item,) = camera.shows(80, times=2)
    assert item.objects is None
    assert camera.assembler.object_cells(item.newest) is None


def test_evidence_is_what_the_item_is_without_its_pictures() -> None:
    (item,) = Camera(k=2, n=2).shows(80, times=3)
    seen = item.evidence
    assert (seen.labels, seen.frames, seen.agreeing, seen.needed) == (item.labels, 2, 2, 2)
    assert seen.started_at_s == item.started_at_s
    assert seen.newest_at_s == item.newest.frame.captured_at_s
    np.testing.assert_array_equal(seen.probabilities, item.probabilities)
    assert seen.lead(LABELS[0]) == pytest.approx(0.8)


def test_frames_of_a_tray_agree_when_they_agree_on_what_matters() -> None:
    assembler = ItemAssembler(ItemSettings(k=2, n=2, patience_frames=9), matters={"3001"})
    changing = [(0.9, 0.9, 0.0, 0.0), (0.9, 0.0, 0.9, 0.0), (0.9, 0.0, 0.0, 0.9)]
    items = [
        assembler.add(make_prediction(what, captured_at_s=float(number)))
        for number, what in enumerate(changing)
    ]
    assert items[:2] == [None, None]
    assert items[2] is not None
    assert items[2].agreed
    assert items[2].labels == (LABELS[0],)

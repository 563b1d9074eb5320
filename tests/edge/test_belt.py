"""How fast a belt runs, and when an item passes a bin."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.belt import Belt, Encoder
from edge.errors import ConfigError


def _ticking(*times_s: float) -> Encoder:
    encoder = Encoder(mm_per_tick=5, stopped_after_s=1)
    for at_s in times_s:
        encoder.tick(at_s)
    return encoder


def test_speed_is_the_way_of_the_newest_ticks_over_their_time() -> None:
    reading = _ticking(*(i / 10 for i in range(21))).reading(since_s=1.0, now_s=2.0)
    assert reading.speed_mm_s == pytest.approx(50)
    assert reading.moved_mm == pytest.approx(50)
    assert (reading.at_s, reading.problem) == (2.0, "")


def test_a_belt_that_became_faster_is_known_by_what_it_does_now() -> None:
    slow, fast = [i / 10 for i in range(11)], [1 + i / 100 for i in range(1, 21)]
    assert _ticking(*slow, *fast).reading(0.5, 1.2).speed_mm_s == pytest.approx(500)


def test_a_part_of_a_tick_counts_as_part_of_its_way() -> None:
    moved = _ticking(0, 0.1, 0.2, 0.3).reading(since_s=0.15, now_s=0.35).moved_mm
    assert moved == pytest.approx(2 * 5)
    # Beyond the last tick never more than one.
    assert _ticking(0, 0.1, 0.2).reading(0.2, 0.9).moved_mm == pytest.approx(5)


@pytest.mark.parametrize(
    ("ticks", "since_s", "now_s", "says"),
    [
        ((), 0, 1, "there was none"),
        ((0, 0.1, 0.2), 0.1, 1.3, "the last was 1.10 s ago"),
        ((0.5,), 0.5, 0.6, "not ticked for long enough"),
        ((0.5, 0.5), 0.5, 0.6, "not ticked for long enough"),
        ((0.5, 0.6), 0.4, 0.7, "not ticked for long enough"),
    ],
)
def test_a_belt_whose_speed_is_not_known_has_none(
    ticks: tuple[float, ...], since_s: float, now_s: float, says: str
) -> None:
    reading = _ticking(*ticks).reading(since_s, now_s)
    assert reading.speed_mm_s is None
    assert says in reading.problem


def test_after_forgetting_nothing_is_known() -> None:
    encoder = _ticking(0, 0.1, 0.2)
    encoder.forget()
    assert encoder.reading(0.1, 0.2).speed_mm_s is None


@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=50).map(sorted),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_a_belt_never_runs_backwards(ticks: list[float], since_s: float, later_s: float) -> None:
    reading = _ticking(*ticks).reading(since_s, since_s + later_s)
    assert reading.moved_mm >= 0
    assert reading.speed_mm_s is None or reading.speed_mm_s > 0


def test_the_way_to_a_bin_begins_at_the_camera() -> None:
    belt = Belt((("bricks", 400.0),), speed_mm_s=100, camera_mm=150)
    assert belt.way_mm("bricks") == 250
    assert belt.way_mm("plates") is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "belt.speed_mm_s: found neither of speed_mm_s and sensor"),
        (
            {"speed_mm_s": 1.0, "sensor": "b", "mm_per_tick": 1.0},
            "belt.speed_mm_s: found both of speed_mm_s and sensor",
        ),
        ({"sensor": "b"}, "belt.mm_per_tick: missing"),
        ({"mm_per_tick": 1.0}, "belt.sensor: missing"),
        ({"speed_mm_s": math.nan}, "belt.speed_mm_s: found nan, expected"),
        ({"speed_mm_s": 1.0, "stopped_after_s": 0.0}, "belt.stopped_after_s: found 0.0, expected"),
    ],
)
def test_a_belt_that_cannot_be_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        Belt((), **values)  # type: ignore[arg-type]

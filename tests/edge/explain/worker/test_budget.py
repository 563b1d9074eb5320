"""LIME gives way to heat and load before anything else does."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.explain.worker.budget import SAMPLES_MIN, Limits, Strain, budget, read_strain

LIMITS = Limits(load=(1.0, 2.0), celsius=(70.0, 80.0), least=0.125)


@pytest.mark.parametrize(
    ("strain", "expected"),
    [
        (Strain(0.0, 40.0), 800),
        (Strain(1.0, 70.0), 800),
        (Strain(0.0, None), 800),
        (Strain(0.0, 75.0), 400),  # half way: .125 + .875 / 2 = .5625, which is 4.5 eighths
        (Strain(1.5, None), 400),
        (Strain(0.0, 80.0), SAMPLES_MIN),
        (Strain(9.0, 20.0), SAMPLES_MIN),
        (Strain(9.0, 99.0), SAMPLES_MIN),
    ],
)
def test_the_worse_of_heat_and_load_decides(strain: Strain, expected: int) -> None:
    assert budget(800, strain, LIMITS) == expected


def test_the_least_is_an_eighth_where_that_is_enough() -> None:
    assert budget(4000, Strain(9.0, 99.0), LIMITS) == 500


@given(
    st.integers(1, 5000),
    st.floats(0, 50),
    st.one_of(st.none(), st.floats(-20, 120)),
    st.floats(0, 10),
)
def test_more_strain_never_gives_more(
    samples: int, load: float, celsius: float | None, more: float
) -> None:
    here = budget(samples, Strain(load, celsius), LIMITS)
    assert min(samples, SAMPLES_MIN) <= here <= samples
    hotter = None if celsius is None else celsius + more
    assert budget(samples, Strain(load + more, hotter), LIMITS) <= here


def test_the_hottest_sensor_counts_and_a_broken_one_does_not(tmp_path: Path) -> None:
    for number, text in enumerate(["45000\n", "61500\n", "N/A\n"]):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(text)
    (tmp_path / "thermal_zone3").mkdir()
    found = read_strain(tmp_path)
    assert found.celsius == 61.5
    assert found.load >= 0


def test_a_machine_without_sensors_is_no_hot_one(tmp_path: Path) -> None:
    assert read_strain(tmp_path).celsius is None

"""The sections on sorting, in edge.toml and alone."""

from pathlib import Path

import pytest

from edge.belt import Belt
from edge.config import read_config
from edge.errors import ConfigError
from edge.policy import Backpressure, FamilyRoute, Limit, Mode, Wanted
from edge.policy_file import read_policy

ROOT = Path(__file__).parents[2]
WHOLE = """
[sorting]
mode = "scoop"
wanted_bin = "found"
rest_bin = "rest"
recall_share = 0.1
veto = true
veto_share = 0.6

[belt]
sensor = "belt"
mm_per_tick = 2.5

[feeder]
pause_at = 6

[[bin]]
number = 1
name = "found"
capacity = 5
overflow = "rest"
distance_mm = 300.0

[[bin]]
number = 2
name = "rest"
families = ["plate", "tile"]
distance_mm = 500.0

[[wanted]]
label = "3001"
quantity = 4

[[wanted]]
label = "3020"
bin = "rest"
"""
TWO = """
[[bin]]
number = 1
name = "a"
capacity = 5
overflow = "b"

[[bin]]
number = 2
name = "b"
capacity = 5
overflow = "a"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read_policy(written(folder, text))
    return str(refused.value)


def test_every_section_becomes_its_part_of_the_policy(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, WHOLE))
    assert policy.mode is Mode.SCOOP
    assert (policy.wanted_bin, policy.rest_bin) == ("found", "rest")
    assert (policy.recall_share, policy.veto_share) == (0.1, 0.6)
    assert policy.belt == Belt((("found", 300.0), ("rest", 500.0)), sensor="belt", mm_per_tick=2.5)
    assert policy.backpressure == Backpressure(6, 5)
    assert policy.limits == (Limit("found", 5, "rest"),)
    assert policy.families == (FamilyRoute("plate", "rest"), FamilyRoute("tile", "rest"))
    assert policy.wanted == (Wanted("3001", 4), Wanted("3020", None, "rest"))


def test_the_veto_is_off_unless_it_is_switched_on(tmp_path: Path) -> None:
    assert read_policy(written(tmp_path, "[sorting]\nveto_share = 0.9\n")).veto_share is None


@pytest.mark.parametrize("name", ["deploy/edge.toml", "edge/demo/edge.toml"])
def test_a_whole_edge_toml_gives_the_same_policy_as_the_device_has(name: str) -> None:
    assert read_policy(ROOT / name).digest == read_config(ROOT / name).policy.digest


def test_a_section_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "line 1: sortng: unknown key; allowed here: belt, bin, " in refusal(
        tmp_path, '[sortng]\nmode = "watch"\n'
    )


def test_a_loop_is_refused_with_its_chain_and_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, TWO)
    assert "policy.toml, line 6: bin.0.overflow: " in message
    assert "'a' -> 'b' -> 'a'" in message
    assert len(message.splitlines()) == 1


def test_a_loop_is_refused_in_a_whole_edge_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 7: bin\.0\.overflow: .*'a' -> 'b' -> 'a'"):
        read_config(written(tmp_path, '[camera]\nsource = "x.mp4"' + TWO))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            TWO.replace("capacity = 5\n", "", 1),
            "line 5: bin.0.overflow: found 'b' without capacity; a bin without one is never full,"
            " so give it one",
        ),
        (
            TWO.replace('overflow = "a"', 'overflow = "c"'),
            "line 12: bin.1.overflow: found 'c', which is no bin; there are 'a', 'b'",
        ),
        (
            TWO.replace("capacity = 5", "capacity = 0", 1),
            "line 5: bin.0.capacity: found 0; input should be greater than or equal to 1",
        ),
        (
            TWO.replace('overflow = "a"', 'families = ["brik"]'),
            "line 12: bin.1.families.0: found 'brik'; input should be 'technic', 'slope'",
        ),
        ("[[wanted]]\nquantity = 3\n", "line 1: wanted.0.label: missing; add it"),
        (
            '[[wanted]]\nlabel = "3001"\nquantity = 0\n',
            "line 3: wanted.0.quantity: found 0; input should be greater",
        ),
        (
            "[sorting]\ntravel_s = 2.0\n[belt]\nspeed_mm_s = 100.0\n",
            "line 2: sorting.travel_s: found 2 beside [belt]; keep one of them",
        ),
        ("[belt]\ncamera_mm = 3.0\n", "line 1: belt.speed_mm_s: found neither of speed_mm_s"),
        (
            '[belt]\nspeed_mm_s = 9.0\nsensor = "s"\nmm_per_tick = 1.0\n',
            "line 2: belt.speed_mm_s: found both of speed_mm_s and sensor",
        ),
        (
            "[feeder]\nresume_at = 2\n",
            "line 2: feeder.resume_at: found 2 without pause_at; give both",
        ),
        (
            "[feeder]\npause_at = 2\nresume_at = 2\n",
            "line 3: feeder.resume_at (below pause_at): found 2, expected 0..1",
        ),
        ("[sorting]\nmode = 'tray'\n", "line 2: sorting.mode: found 'tray'; input should be "),
    ],
)
def test_what_cannot_be_is_named_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert f"policy.toml, {said}" in refusal(tmp_path, text)


def test_a_window_that_cannot_be_is_named_by_its_line(tmp_path: Path) -> None:
    text = '[camera]\nsource = "x.mp4"\n[drop]\nearliest_s = 2.0\nlatest_s = 1.0\n'
    with pytest.raises(ConfigError, match=r"line 5: drop\.latest_s: found 1, expected above"):
        read_config(written(tmp_path, text))

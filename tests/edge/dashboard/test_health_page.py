"""The health page's state, and what Prometheus scrapes."""

from dataclasses import replace

from dashboard_rig import ABOUT, ARMED, BRICKS, NOW_S, World, everything
from prometheus_client.parser import text_string_to_metric_families

from edge.timings import Spread, Timings

TIMINGS = Timings({"label": Spread(2.5, 4.0, 9.0, 300), "age": Spread(20, 40, 90, 300)}, 9.8, 600)


def scraped(world: World) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a scrape; fails where two have one name and labels."""
    answer = world.client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            assert sample.name.startswith("bricksight_")
            found[key] = sample.value
    return found


def test_a_scrape_says_what_the_board_says(world: World) -> None:
    about = replace(ABOUT, bins=((BRICKS, 50),))
    world.show(**everything(3, NOW_S) | {"about": about, "machine": ARMED, "timings": TIMINGS})
    found = scraped(world)
    assert found["bricksight_stage_seconds", (("quantile", "0.5"), ("stage", "label"))] == 0.0025
    assert found["bricksight_stage_seconds", (("quantile", "0.95"), ("stage", "label"))] == 0.004
    assert found["bricksight_frames_per_second", ()] == 9.8
    assert found["bricksight_frames_total", ()] == world.board.current().frames_seen
    conditions = {
        dict(labels)["bricksight_machine_condition"]: value
        for (name, labels), value in found.items()
        if name == "bricksight_machine_condition"
    }
    assert conditions == {"armed": 1, "disarmed": 0, "safe": 0, "gone": 0}
    assert found["bricksight_bin_items", (("bin", "1"), ("name", "bricks"))] == 0
    assert found["bricksight_memory_resident_bytes", ()] > 1e6


def test_a_scrape_before_anything_happened(world: World) -> None:
    found = scraped(world)
    assert found["bricksight_frames_total", ()] == 0
    assert ("bricksight_frame_age_seconds", ()) not in found
    gone = (("bricksight_machine_condition", "gone"),)
    assert found["bricksight_machine_condition", gone] == 1


def test_hostile_names_break_no_scrape(world: World) -> None:
    about = replace(ABOUT, bundle_name='a"\n\\{}#', bins=((replace(BRICKS, name='"\\{x}#'), None),))
    world.show(about=about)
    found = scraped(world)
    assert found["bricksight_bin_items", (("bin", "1"), ("name", '"\\{x}#'))] == 0


def test_strangers_scrape_nothing(world: World) -> None:
    assert world.app.test_client().get("/metrics").status_code == 401


def test_the_state_of_the_page(world: World) -> None:
    world.show(**everything(3, NOW_S) | {"timings": TIMINGS})
    answer = world.client().get("/api/health")
    assert answer.json is not None
    assert answer.json["fps"] == 9.8
    assert answer.json["stages"]["label"] == {"p50": 2.5, "p95": 4.0, "largest": 9.0, "count": 300}
    assert answer.json["machine"]["memory"]["own"] > 0
    assert isinstance(answer.json["warnings"], list)

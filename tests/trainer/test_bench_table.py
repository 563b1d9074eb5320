"""The verdict of `python -m tests.bench`; nothing is timed here."""

import gc
import io
import json
import sys
import tomllib
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from edge.errors import BundleError
from tests.bench import __main__ as command
from tests.bench.needs import CannotMeasure, need, need_file
from tests.bench.network import same_pads
from tests.bench.starting import demo_config
from tests.bench.table import Reach, Row, as_json, exit_code, show
from tests.bench.timing import WARM_UP_ROUNDS, compare_calls, in_turn

FASTER = Reach("at least", 3.0, "x faster")
SLOWER = Reach("at most", 1.05, "x")


def run(monkeypatch, figures, *arguments):
    monkeypatch.setattr(command, "FIGURES", figures)
    return CliRunner().invoke(command.app, arguments)


def kept(bench):
    return [Row("kept", FASTER, 3.2), Row("only told", None, 9.9)]


def short(bench):
    return [Row("short", FASTER, 2.9)]


def without_torch(bench):
    need("torch")
    return []


@pytest.mark.parametrize(
    ("reach", "measured", "holds"),
    [
        (FASTER, 3.0, True),
        (FASTER, 2.999, False),
        (SLOWER, 1.05, True),
        (SLOWER, 1.0501, False),
        (FASTER, float("nan"), False),
        (SLOWER, float("nan"), False),
    ],
)
def test_a_value_on_the_limit_holds_and_one_beyond_does_not(reach, measured, holds):
    assert Row("figure", reach, measured).holds is holds


def test_a_row_is_judged_unrounded():
    row = Row("figure", SLOWER, 1.0501, decimals=2)
    assert row.shown == "1.05x"
    assert row.holds is False


def test_one_short_row_decides():
    assert exit_code(kept(None)) == 0
    assert exit_code([*kept(None), *short(None)]) == 1


def test_exit_code_is_0_when_all_holds(monkeypatch):
    result = run(monkeypatch, {"kept": kept})
    assert result.exit_code == 0
    assert "≥ 3x faster" in result.stdout
    assert "3.20x faster" in result.stdout


def test_exit_code_is_1_when_a_row_falls_short(monkeypatch):
    result = run(monkeypatch, {"kept": kept, "short": short})
    assert result.exit_code == 1
    assert "no" in result.stdout.split("short")[1]


def test_exit_code_is_2_with_the_install_line_when_a_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(monkeypatch, {"pytorch": without_torch, "kept": kept})
    assert result.exit_code == 2
    assert "cannot measure pytorch: torch is not installed here" in result.stderr
    assert "pip install 'torch>=2.6,<3'" in result.stderr
    assert "kept" in result.stdout


def test_a_package_missing_behind_another_is_the_one_named(monkeypatch, tmp_path):
    (tmp_path / "outer_of_bench.py").write_text("import torch.nn\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CannotMeasure, match="torch is not installed"):
        need("outer_of_bench")


def test_a_refused_bundle_is_no_figure(monkeypatch):
    def refused(bench):
        raise BundleError("manifest.json: not JSON")

    result = run(monkeypatch, {"int8": refused})
    assert result.exit_code == 2
    assert "cannot measure int8: manifest.json: not JSON" in result.stderr


def test_a_missing_file_says_what_was_expected():
    with pytest.raises(CannotMeasure, match="not there; expected the demo video"):
        need_file(Path("/nowhere.mp4"), "the demo video")


def test_only_takes_the_named_figures(monkeypatch):
    result = run(monkeypatch, {"kept": kept, "short": short}, "--only", "kept")
    assert result.exit_code == 0
    assert "short" not in result.stdout


def test_an_unknown_figure_is_refused_with_the_known_ones(monkeypatch):
    result = run(monkeypatch, {"kept": kept}, "--only", "speed")
    assert result.exit_code == 2
    assert "allowed: kept" in result.stderr


def test_json_is_one_object_a_row(monkeypatch):
    result = run(monkeypatch, {"kept": kept}, "--json")
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first == as_json(kept(None)[0])
    assert (first["reach"], first["measured"], first["holds"]) == ("≥ 3x faster", 3.2, True)
    assert (second["reach"], second["holds"]) == (None, None)


def test_table_shows_every_row_and_no_mark_where_nothing_is_promised():
    printed = io.StringIO()
    show([*kept(None), *short(None)], Console(width=120, file=printed), "figures")
    (promised,) = (line for line in printed.getvalue().splitlines() if "kept" in line)
    (told,) = (line for line in printed.getvalue().splitlines() if "only told" in line)
    assert "yes" in promised
    assert "yes" not in told
    assert "no " not in told


class FakeClock:
    """Moves on by what the work says it takes."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s

    def work(self, *durations_s):
        left = iter(durations_s)

        def once():
            self.now_s += next(left)

        return once


def test_ratio_is_the_median_of_the_rounds_not_the_ratio_of_medians():
    clock, cold = FakeClock(), [99.0] * WARM_UP_ROUNDS
    first, second = clock.work(*cold, 2, 10, 3), clock.work(*cold, 1, 1, 3)
    found = compare_calls(first, second, 3, clock)
    assert found.first_s == (2, 10, 3)
    assert found.second_s == (1, 1, 3)
    assert found.ratio == 2
    assert found.milliseconds == (3000, 1000)


def test_both_take_turns_and_nothing_is_collected_meanwhile():
    calls = []
    rounds = WARM_UP_ROUNDS + 2
    compare_calls(
        lambda: calls.append(("first", gc.isenabled())),
        lambda: calls.append(("second", gc.isenabled())),
        2,
        FakeClock(),
    )
    assert [name for name, _ in calls] == ["first", "second"] * rounds
    assert [collects for _, collects in calls[-4:]] == [False] * 4
    assert gc.isenabled()


def test_in_turn_goes_round():
    next_one = in_turn([lambda: "a", lambda: "b"])
    assert [next_one() for _ in range(5)] == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "pads"),
    [
        (256, 7, 2, (2, 2, 3, 3)),
        (224, 11, 4, (3, 3, 4, 4)),
        (63, 3, 1, (1, 1, 1, 1)),
        (255, 7, 2, (3, 3, 3, 3)),
        (8, 1, 2, (0, 0, 0, 0)),
    ],
)
def test_same_padding_puts_the_odd_pixel_last(side, kernel, stride, pads):
    assert same_pads(side, kernel, stride) == pads


def test_the_app_is_measured_with_the_demo_on_another_port(tmp_path):
    values = tomllib.loads(demo_config(4711, tmp_path))
    assert values["dashboard"]["port"] == 4711
    assert Path(values["camera"]["source"]).is_file()
    assert Path(values["journal"]["path"]).parent == tmp_path

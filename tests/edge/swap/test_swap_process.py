"""Swaps as `bricksight-edge run` sees them: real processes that are killed, and begin anew."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from swap_rig import CALL, ROOT, WAIT_S, damage, device, make_live, places_of, running, standing_of

from edge.config import SHIPPED_BUNDLE
from edge.manifest import read_manifest
from edge.swap.places import CONFIGURED
from edge.swap.starting import open_live


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CALL, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return device(tmp_path, "new")


def test_a_swap_on_the_page_begins_the_device_anew_with_it_and_back(config: Path) -> None:
    with running(config) as device:
        first = device.ask("api/model")
        assert (first["running"], first["live"]) == (CONFIGURED, CONFIGURED)
        answer = device.ask("api/model/swap", {"bundle": "new"})
        assert answer["restarting"] is True
        assert len(answer["pictures"]) == 4
        device.come_up()
        assert "starting anew\n" in device.said
        second = device.ask("api/model")
        assert (second["running"], second["name"], second["notice"]) == ("new", "new", "")
        assert second["run"] != first["run"]
        device.ask("api/model/rollback", {})
        device.come_up()
        assert device.ask("api/model")["running"] == CONFIGURED
        assert "ended" in device.end()
    assert standing_of(config).starts == 0


def test_a_model_broken_after_it_was_staged_is_gone_back_from_and_said(config: Path) -> None:
    make_live(config, "new")
    damage(config.parent / "models" / "new")
    with running(config) as device:
        assert any("new was given up" in line for line in device.said)
        state = device.ask("api/model")
        assert state["running"] == CONFIGURED
        assert "SHA-256" in state["notice"]
        device.ask("api/model/notice/dismiss", {})
        assert device.ask("api/model")["notice"] == ""


def test_a_device_that_dies_three_times_comes_up_with_the_model_before(config: Path) -> None:
    make_live(config, "new")
    for _ in range(3):
        with running(config) as device:
            assert not any("given up" in line for line in device.said)
            device.kill()
    with running(config) as device:
        assert any("ended 3 times before it was healthy" in line for line in device.said)
        assert device.ask("api/model")["running"] == CONFIGURED


def test_ended_on_purpose_it_is_not_counted(config: Path) -> None:
    make_live(config, "new")
    with running(config) as device:
        assert standing_of(config).starts == 1
        # It answers once it listens to signals.
        assert device.ask("livez") == {"ok": True}
        device.end()
    assert standing_of(config).starts == 0


def test_labelled_frames_make_it_healthy(config: Path) -> None:
    make_live(config, "new")
    with running(config) as device:
        while standing_of(config).starts:
            assert device.ask("livez") == {"ok": True}
        device.kill()
    assert standing_of(config).starts == 0


def test_a_second_device_on_the_same_journal_counts_nothing(config: Path) -> None:
    make_live(config, "new")
    with running(config):
        done = command("run", "--config", str(config))
        assert "another process is using it" in done.stderr
        assert standing_of(config).starts <= 1


# --- the command line ---


def test_the_commands_do_the_same(config: Path) -> None:
    listed = command("model", "list", "--config", str(config))
    assert "@configured" in listed.stdout
    assert "live" in listed.stdout
    done = command("model", "swap", "new", "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert "new is live" in done.stdout
    assert standing_of(config).live.id == "new"
    checked = command("check", "--config", str(config))
    assert "new, 85 labels" in checked.stdout
    done = command("model", "rollback", "--config", str(config))
    assert f"{read_manifest(SHIPPED_BUNDLE).name} is live again" in done.stdout
    assert standing_of(config).live.id == CONFIGURED
    done = command("model", "swap", "other", "--config", str(config))
    assert done.returncode == 1
    assert "no model 'other'; there are @configured, new" in done.stderr


# --- killed in the middle ---

STEPS = {
    "while it is tried": ("edge.swap.verifying.Verifier", "_verify", "before", False),
    "after it was tried": ("edge.swap.standing.Record", "change", "before", False),
    "alone": ("edge.swap.standing.Record", "read", "after", False),
    "before it is written": ("edge.swap.standing.Record", "write", "before", False),
    "before it is on the disk": ("os", "fsync", "before", False),
    "on the disk": ("os", "fsync", "after", False),
    "before the rename": ("pathlib.Path", "replace", "before", False),
    "after the rename": ("pathlib.Path", "replace", "after", True),
    "written": ("edge.swap.standing.Record", "write", "after", True),
    "before it begins anew": ("edge.swap.swapper.Swapper", "_begin_anew", "before", True),
}
KILLED = """
import importlib, os, signal, sys
from pathlib import Path
from edge.config import read_config
from edge.swap.settings import places_of
from edge.swap.swapper import Swapper
owner, name, when = sys.argv[2:]
try:
    holder = importlib.import_module(owner)
except ModuleNotFoundError:
    module, _, kind = owner.rpartition(".")
    holder = getattr(importlib.import_module(module), kind)
real = getattr(holder, name)
def deadly(*given, **named):
    if when == "after":
        real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(holder, name, deadly)
Swapper(places_of(read_config(Path(sys.argv[1])))).swap("newer", "ada")
"""


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_old_or_the_new_model_is_live(tmp_path: Path, step: str) -> None:
    config = device(tmp_path, "new", "newer")
    make_live(config, "new")
    *where, swapped = STEPS[step]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(config), *map(str, where)], cwd=ROOT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    expected = "newer" if swapped else "new"
    live = open_live(places_of(config))
    assert live.entry.id == expected
    assert live.bundle.manifest.name == expected
    assert live.notice == ""
    live.trial.ended(of_the_model=False)
    # What was left behind is in nobody's way.
    done = command("model", "swap", CONFIGURED, "--config", str(config))
    assert done.returncode == 0, done.stderr
    assert standing_of(config).live.id == CONFIGURED

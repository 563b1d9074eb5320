"""`bricksight-edge check` says which bins the machine lacks."""

from pathlib import Path

import pytest

import edge.check
from edge.check import check_all
from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver

CONFIG = """
[camera]
source = "pile.mp4"

[[bin]]
number = 1
name = "bricks"

[[bin]]
number = 7
name = "rest"
"""


def test_a_bin_that_the_machine_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(CONFIG, encoding="utf-8")
    smaller = (Bin(1, "bricks"), Bin(2, "plates"))
    monkeypatch.setattr(edge.check, "machine_opener", lambda _: lambda: SimulatedDriver(smaller))
    (machine,) = [finding for finding in check_all(path) if finding.what == "machine"]
    assert not machine.ok
    assert machine.found.replace("\\", "") == (
        "the machine has no bin 7 'rest'; it has bin 1 'bricks', bin 2 'plates'; correct its number"
        " under [[bin]], or set the machine up with it"
    )

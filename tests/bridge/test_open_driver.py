"""Opening a machine by its kind, and settings that are wrong."""

import sys
from dataclasses import replace

import pytest

from sorter_firmware_bridge import drivers
from sorter_firmware_bridge.bins import Bin, Hello
from sorter_firmware_bridge.drivers import check_settings, open_driver, simulated
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver, SimulatedSettings
from sorter_firmware_bridge.errors import (
    BinError,
    DriverClosed,
    DriverMissing,
    DriverSettingsError,
    DriverUnknown,
    MachineUnavailable,
)

BINS = [Bin(1, "plates"), Bin(2, "rest")]


def test_opens_the_simulated_machine_with_settings_from_a_file() -> None:
    settings = {
        "watchdog_s": 1,
        "queue_depth": 3,
        "confirms": False,
        "sensors": ["gate", "end"],
        "faults": [{"kind": "jam", "at_command": 3}],
    }
    with open_driver("simulated", BINS, settings) as machine:
        assert machine.hello.kind == "simulated"
        assert machine.hello.bins == tuple(BINS)
        assert machine.hello.watchdog_s == 1
        assert machine.hello.queue_depth == 3
        assert machine.hello.confirms is False
        assert machine.hello.sensors == ("gate", "end")


def test_a_kind_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(
        DriverUnknown, match=r"allowed are simulated, .*; did you mean 'simulated'\?"
    ):
        open_driver("simulate", BINS)


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "ADAPTERS", {"modbus": "a_library_nobody_has"})
    with pytest.raises(DriverMissing, match=r"pip install 'bricksight\[modbus\]'"):
        open_driver("modbus", BINS)


def test_bins_are_checked_before_anything_is_opened() -> None:
    with pytest.raises(BinError, match="number 1"):
        open_driver("simulated", [Bin(1, "a"), Bin(1, "b")])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"watchdogs": 1}, r"unknown key 'watchdogs'; did you mean 'watchdog_s'\?"),
        ({"watchdog_s": 0}, r"watchdog_s: found 0, expected a number 0\.05\.\.60"),
        ({"watchdog_s": "1"}, "watchdog_s: found '1'"),
        ({"watchdog_s": float("nan")}, "watchdog_s: found nan"),
        ({"queue_depth": 1.5}, r"queue_depth: found 1\.5, expected a whole number 1\.\.64"),
        ({"queue_depth": True}, "queue_depth: found True"),
        ({"confirms": "yes"}, "confirms: found 'yes', expected true or false"),
        ({"sensors": "gate"}, "sensors: found 'gate', expected a list"),
        ({"faults": "jam"}, "faults: found 'jam', expected a list"),
        ({"faults": [{"at_command": 1}]}, "expected a table with a kind"),
        ({"faults": [{"kind": "gremlin"}]}, "found 'gremlin', allowed are silence, lost_reply"),
        ({"faults": [{"kind": "jam", "at": 1}]}, "unknown key 'at'"),
        ({"faults": [{"kind": "jam", "times": 0}]}, "times: found 0"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DriverSettingsError, match=message):
        open_driver("simulated", BINS, settings)


def test_the_bridge_needs_nothing_but_the_standard_library() -> None:
    """In a fresh interpreter without site packages."""
    import subprocess
    from pathlib import Path

    root = Path(drivers.__file__).parents[2]
    code = "import sorter_firmware_bridge.drivers.simulated"
    subprocess.run([sys.executable, "-S", "-c", code], cwd=root, check=True, timeout=60)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("linetext", {"port": "/dev/ttyACM0", "profile": "at-id"}),
        ("modbus", {"host": "127.0.0.1"}),
        ("mqtt", {"host": "127.0.0.1", "prefix": "sorter"}),
        ("gpio", {"pins": {"1": {"pin": 17}, "2": {"pin": 27}}}),
    ],
)
def test_settings_need_no_library_and_opening_names_the_extra(
    kind: str, settings: dict[str, object]
) -> None:
    """In a fresh interpreter without site packages."""
    import subprocess
    from pathlib import Path

    code = f"""
from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers import check_settings, open_driver
from sorter_firmware_bridge.errors import DriverMissing
check_settings({kind!r}, {settings!r})
try:
    open_driver({kind!r}, [Bin(1, "plates"), Bin(2, "rest")], {settings!r})
except DriverMissing as error:
    print(error)
"""
    root = Path(drivers.__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=root,
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert f"pip install 'bricksight[{kind}]'" in found.stdout


@pytest.mark.parametrize("lacking", [{"watchdog_s": 0.0}, {"queue_depth": 0}])
def test_a_machine_without_watchdog_or_queue_is_closed_again(
    lacking: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[SimulatedDriver] = []

    class Lacking(SimulatedDriver):
        """It declares what no machine may."""

        @property
        def hello(self) -> Hello:
            return replace(super().hello, **lacking)  # type: ignore[arg-type]

    def open_machine(bins: tuple[Bin, ...], _: object) -> SimulatedDriver:
        opened.append(Lacking(bins, SimulatedSettings()))
        return opened[-1]

    monkeypatch.setattr(simulated, "open_machine", open_machine)
    with pytest.raises(MachineUnavailable, match="expected more than 0 of both"):
        open_driver("simulated", BINS)
    with pytest.raises(DriverClosed):
        opened[0].arm()


def test_settings_are_checked_without_opening_a_machine() -> None:
    check_settings("simulated", {"queue_depth": 4})
    with pytest.raises(DriverSettingsError, match="foo"):
        check_settings("simulated", {"foo": 1})
    with pytest.raises(DriverUnknown, match="allowed are"):
        check_settings("simulatd", {})

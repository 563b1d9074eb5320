"""bricksight-bridge, as an owner uses it."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner
from waiting import wait_for

from sorter_firmware_bridge import cli
from sorter_firmware_bridge.bins import Bin, Command, MachineState, Receipt
from sorter_firmware_bridge.doctor import Doctor, read_machine
from sorter_firmware_bridge.drivers.framed import SerialTransport
from sorter_firmware_bridge.drivers.simulated import (
    Fault,
    FaultKind,
    SimulatedDriver,
    SimulatedSettings,
)
from sorter_firmware_bridge.drivers.simulated_machine import SimulatedMachine
from sorter_firmware_bridge.errors import BridgeError, DriverSettingsError, MachineUnavailable
from sorter_firmware_bridge.firmware.table import Output, Table
from sorter_firmware_bridge.link import Link
from sorter_firmware_bridge.ports import permission_problem
from sorter_firmware_bridge.protocol import Mode, Why
from sorter_firmware_bridge.pseudo_port import PseudoPort
from sorter_firmware_bridge.simulate import Simulation, machine_of

README = Path(__file__).parents[2] / "README.md"
WAIT_S = 60.0
TABLE = Table((Output(1, "pulse", 4, 20), Output(7, "pulse", 5, 20)), watchdog_ms=600)
CONFIG = """
[machine]
driver = "simulated"
settings = { watchdog_s = 0.4, move_s = 0.0, confirm_after_s = 0.0 }
[[bin]]
number = 1
name = "plates"
labels = ["3001"]
[[bin]]
number = 2
name = "rest"
"""


@contextmanager
def _living(machine: SimulatedMachine, path: Path) -> Iterator[None]:
    ended = threading.Event()
    with PseudoPort(path) as end:
        simulation = Simulation(machine, end)

        def live() -> None:
            while not ended.is_set():
                simulation.step()

        thread = threading.Thread(target=live)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(WAIT_S)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Path]:
    """A simulated machine at a port, in real time."""
    with _living(machine_of(TABLE), tmp_path / "machine"):
        yield tmp_path / "machine"


def _run(*arguments: str, answers: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, list(arguments), input=answers)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_the_doctor_looks_at_everything(port: Path) -> None:
    code, said = _run("doctor", str(port), "--yes")
    assert code == 0
    for part in ("exactly once", "machine timed", "round trip", "bin 7", "made itself safe"):
        assert part in said
    assert "no safety-rated emergency stop" in said


def test_the_doctor_asks_before_each_bin_and_believes_the_owner(port: Path) -> None:
    code, said = _run("doctor", str(port), answers="y\nn\nn\nn\n")
    assert code == 1
    assert "told as fired, and nothing moved" in said
    assert said.count("once?") == 2


def test_the_doctor_moves_nothing_when_told_not_to(port: Path) -> None:
    code, said = _run("doctor", str(port), "--no-move")
    assert code == 0
    assert "Hands off" not in said


def test_the_doctor_takes_the_machine_of_a_configuration(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(CONFIG)
    code, said = _run("doctor", "--config", str(config), "--yes")
    assert code == 0
    assert "bin 1 'plates'" in said
    assert "confirmed" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[machine", "edge.toml: "),
        ("", r"expected \[\[bin\]\] tables"),
        ("machine = 1", r"expected \[machine\]"),
        ('[machine]\ndriver = "none"\n[[bin]]\nnumber = 1\nname = "a"', "nothing to look at"),
        ('[[bin]]\nname = "a"', "bin number -1"),
    ],
)
def test_a_configuration_without_a_machine_says_so(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(text)
    with pytest.raises(BridgeError, match=message):
        _run("doctor", "--config", str(config))


def test_a_configuration_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DriverSettingsError, match="cannot be read"):
        read_machine(tmp_path / "none.toml")


def test_a_port_without_a_machine_is_named(tmp_path: Path) -> None:
    with (
        PseudoPort(tmp_path / "empty"),
        pytest.raises(
            MachineUnavailable, match=rf"{tmp_path}/empty at 115200 baud: nothing answers"
        ),
    ):
        _run("doctor", str(tmp_path / "empty"))


def test_a_watchdog_that_does_nothing_is_found() -> None:
    class Deaf(SimulatedDriver):
        """It declares a watchdog that it does not have."""

        def arm(self):  # type: ignore[no-untyped-def]
            machine = self._wire._machine
            machine._table = replace(machine._table, watchdog_us=60_000_000)
            return super().arm()

    found = Doctor(Deaf((Bin(1, "a"),), SimulatedSettings(watchdog_s=0.05))).watchdog()
    assert not found.ok
    assert "nothing stops it when this computer dies" in found.found


def test_a_machine_that_cannot_be_armed_says_nothing_of_its_watchdog() -> None:
    class Stuck(SimulatedDriver):
        """Safe already, and not because of silence."""

        def arm(self) -> MachineState:
            return self.stop("jam")

    found = Doctor(Stuck((Bin(1, "a"),), SimulatedSettings(watchdog_s=0.05))).watchdog()
    assert not found.ok
    assert found.found == "not tried; it cannot be armed: safe jam"


def test_what_the_doctor_moves_has_a_deadline() -> None:
    """A bin that did not move while it was tried must not move later."""
    sent: list[Command] = []

    class Noting(SimulatedDriver):
        def move_to(self, command: Command) -> Receipt:
            sent.append(command)
            return super().move_to(command)

    driver = Noting((Bin(1, "a"),), SimulatedSettings(move_s=0.0))
    assert Doctor(driver).try_bin(Bin(1, "a")).ok
    assert sent[0].deadline_s is not None


def test_a_bin_that_jams_is_found() -> None:
    driver = SimulatedDriver((Bin(1, "a"),), SimulatedSettings(faults=(Fault(FaultKind.JAM),)))
    found = Doctor(driver).try_bin(Bin(1, "a"))
    assert not found.ok
    assert "missed" in found.found


def _started(*arguments: str, stderr: int | None = None) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from sorter_firmware_bridge.cli import main; main()"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    return subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment,
    )


def _lines_until(process: "subprocess.Popen[str]", pattern: str) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"it ended without {pattern!r}: {''.join(lines)}")


def _ended(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT_S)
    return process.returncode


def test_a_simulated_machine_can_be_doctored_and_shows_what_moves(tmp_path: Path) -> None:
    path = tmp_path / "machine"
    simulated = _started("simulate", "--link", str(path), "--drop-after", "0.01")
    try:
        said = _lines_until(simulated, "edge.toml")
        assert "bins 1, 2, 3, 4, 5, 6" in said[0]
        code, told = _run("doctor", str(path), "--yes")
        assert code == 0
        assert "confirmed" in told
        _lines_until(simulated, r"bin 6 off")
    finally:
        assert _ended(simulated) == 0
    assert not path.is_symlink()


def test_the_monitor_shows_frames_in_words(port: Path, tmp_path: Path) -> None:
    monitor = _started("monitor", str(port), "--own", "--link", str(tmp_path / "tap"))
    try:
        said = "".join(_lines_until(monitor, r"< POLL"))
        assert re.search(r"> HELLO s0 #0  speaks sbp/1\.\.1", said)
        assert re.search(r"< OPEN  s\d+ #0  OK, DISARMED", said)
    finally:
        assert _ended(monitor) == 0


def _mode(port: Path) -> tuple[Mode, Why]:
    with closing(Link(SerialTransport(str(port), 115200))) as link:
        greeting = link.hello()
    return greeting.mode, greeting.why


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_doctor_the_machine_is_made_safe(
    tmp_path: Path, ending: signal.Signals
) -> None:
    """Its watchdog would take a minute here."""
    machine = machine_of(replace(TABLE, watchdog_ms=60_000))
    with _living(machine, tmp_path / "machine"):
        doctor = _started("doctor", str(tmp_path / "machine"), "--yes")
        wait_for(lambda: len(machine.edges) == 4, "both bins", WAIT_S)
        doctor.send_signal(ending)
        doctor.communicate(timeout=WAIT_S)
        assert _mode(tmp_path / "machine") == (Mode.SAFE, Why.STOPPED)
    assert doctor.returncode != 0


def test_a_monitor_whose_machine_is_unplugged_says_so(tmp_path: Path) -> None:
    for own in ([], ["--own"]):
        with _living(machine_of(TABLE), tmp_path / "machine"):
            where = [str(tmp_path / "machine"), "--link", str(tmp_path / "tap")]
            monitor = _started("monitor", *where, *own, stderr=subprocess.PIPE)
            _lines_until(monitor, r"< POLL" if own else "give the app")
        _, said = monitor.communicate(timeout=WAIT_S)
        assert monitor.returncode == 1
        assert re.fullmatch(r"error: .*machine is gone \(.*\); check the cable\n", said)
        assert not (tmp_path / "tap").is_symlink()


def test_an_app_works_through_the_monitor(port: Path, tmp_path: Path) -> None:
    monitor = _started("monitor", str(port), "--link", str(tmp_path / "tap"))
    try:
        _lines_until(monitor, "give the app this port")
        code, _ = _run("doctor", str(tmp_path / "tap"), "--yes")
        assert code == 0
        _lines_until(monitor, r"> MOVE .* to bin 7 as soon as possible")
    finally:
        assert _ended(monitor) == 0


def test_the_firmware_is_built_and_its_size_told(tmp_path: Path) -> None:
    code, said = _run("firmware", "build", "--out", str(tmp_path / "out"))
    assert code == 0
    assert re.search(r"firmware\.hex: \d+ bytes of flash, \d+ bytes of RAM", said)
    assert (tmp_path / "out" / "firmware.hex").read_text().startswith(":")


def test_permissions_are_explained(tmp_path: Path) -> None:
    device = tmp_path / "tty"
    assert "cannot be looked at" in permission_problem(device)
    device.write_text("")
    assert permission_problem(device) == ""


def _commands() -> list[tuple[str, str]]:
    found = []
    top = typer.main.get_command(cli.app)
    groups = [("bricksight-bridge", top)]
    while groups:
        prefix, group = groups.pop()
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                groups.append((f"{prefix} {name}", command))
                continue
            options = [o for p in command.params for o in p.opts if o.startswith("--")]
            found += [(f"{prefix} {name}", option) for option in ["", *options]]
    return [(command, option) for command, option in found if option != "--help"]


@pytest.mark.parametrize(("command", "option"), _commands())
def test_every_command_and_option_is_in_the_readme(command: str, option: str) -> None:
    lines = [line for line in README.read_text().splitlines() if line.startswith(command)]
    assert lines, f"{command} is not in the README"
    words = {word.replace("--no-move", "--move") for line in lines for word in line.split()}
    assert not option or option in words, f"{command} {option} is not in the README"

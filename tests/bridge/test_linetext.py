"""Machines that speak lines, on real pseudo terminals, and the profiles of their dialogues."""

import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from machines.line_machine import LineMachine, Script
from rigs import BINS, numbered_script
from waiting import wait_for

from sorter_firmware_bridge.bins import Cause, Command, Condition, Receipt, ReceiptState
from sorter_firmware_bridge.drivers import open_driver
from sorter_firmware_bridge.drivers.driver import Driver
from sorter_firmware_bridge.drivers.linetext import open_machine, read_settings
from sorter_firmware_bridge.drivers.linetext_hand import LineHand
from sorter_firmware_bridge.drivers.linetext_link import SerialLink
from sorter_firmware_bridge.drivers.linetext_profile import load_profile, shipped_profiles
from sorter_firmware_bridge.errors import DriverSettingsError, MachineLost, MachineUnavailable

Open = Callable[..., tuple[Driver, LineMachine]]


@pytest.fixture
def connect() -> Iterator[Open]:
    opened: list[tuple[Driver, LineMachine]] = []

    def make(script: Script, greeting: bytes, **settings: object) -> tuple[Driver, LineMachine]:
        machine = LineMachine(script, greeting)
        machines.append(machine)
        found = {"port": machine.port, "watchdog_s": 60, **settings}
        opened.append((open_machine(BINS, found), machine))
        return opened[-1]

    machines: list[LineMachine] = []
    yield make
    for driver, _ in opened:
        driver.close()
    for machine in machines:
        machine.unplug()


def _told(driver: Driver, count: int) -> list[Receipt]:
    found: list[Receipt] = []
    wait_for(lambda: found.extend(driver.receipts()) or len(found) >= count, f"{count} receipts")
    return found


def _values(**of_bin: tuple[object, ...]) -> dict[str, dict[str, object]]:
    numbers = [str(bin_.number) for bin_ in BINS]
    return {
        number: {name: values[at] for name, values in of_bin.items()}
        for at, number in enumerate(numbers)
    }


def _gantry(line: str) -> list[str]:
    return ["[VER:x]", "ok"] if line == "$I" else ["ok"]


def _chute(line: str) -> list[str]:
    return ["HOMED"] if line == "HOME" else ["MOVING", "DONE"] * line.startswith("MOVE")


DIALOGUES: dict[str, tuple[Script, bytes, dict[str, dict[str, object]], list[str]]] = {
    "angle-brackets": (
        lambda line: {"<p>": ["<pong>"]}.get(line, ["<ok>"]),
        b"\0noise\r\n<ready>\r\n",
        {},
        ["<m002>"],
    ),
    "servo-csv": (
        lambda line: [],
        b"",
        _values(servo=("A", "B", "C"), angle=(10, 90, 170)),
        ["B,90"],
    ),
    "at-id": (numbered_script, b"@ready\r\n", {}, ["@4 2"]),
    "single-letter": (lambda line: [line], b"", _values(letter=("a", "b", "c")), ["b"]),
    "gcode-gantry": (
        _gantry,
        b"\r\nGrbl 1.1h ['$' for help]\r\n",
        _values(x=(0, 120.5, 300), y=(0, 0, 0)),
        ["G90 G0 X120.5 Y0.0", "G4 P0.01"],
    ),
    "gcode-servo": (
        lambda line: ["echo:busy", "ok"],
        b"start\r\n",
        _values(servo=(0, 0, 0), angle=(0, 90, 180)),
        ["M280 P0 S90"],
    ),
    "stepper-chute": (_chute, b"CHUTE READY\r\n", _values(position=(0, 3, 6)), ["MOVE 3"]),
}


def test_there_is_a_dialogue_for_every_profile_that_is_shipped() -> None:
    assert sorted(DIALOGUES) == sorted(shipped_profiles())


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_profile_moves_its_machine_once(connect: Open, name: str, tmp_path: Path) -> None:
    script, greeting, values, lines = DIALOGUES[name]
    driver, machine = connect(script, greeting, profile=_hasty(name, tmp_path), bins=values)
    assert driver.arm().condition is Condition.ARMED
    before = len(machine.heard)
    assert driver.move_to(Command(4, BINS[1])).state is ReceiptState.ACCEPTED
    expected = [ReceiptState.FIRED] + [ReceiptState.CONFIRMED] * driver.hello.confirms
    assert [receipt.state for receipt in _told(driver, len(expected))] == expected
    driver.move_to(Command(4, BINS[1]))
    wait_for(lambda: len(machine.heard) >= before + len(lines), "the lines")
    assert machine.heard[before:] == lines


def _hasty(name: str, folder: Path) -> str:
    """The shipped profile without its long waits."""
    import sorter_firmware_bridge.drivers as drivers

    shipped = Path(drivers.__file__).parent / "profiles" / f"{name}.toml"
    copy = folder / f"{name}.toml"
    text = shipped.read_text().replace("settle_s = 2.0", "settle_s = 0.05")
    copy.write_text(text.replace("timeout_s = 20.0", "timeout_s = 0.3"))
    return str(copy)


def _numbered(**answers: list[str]) -> Script:
    """At-id, but with these answers to commands."""

    def script(line: str) -> list[str]:
        number = line.partition(" ")[0]
        return answers.get(number[1:] if number[1:].isalpha() else "move", numbered_script(line))

    return script


def test_silence_after_a_command_is_unknown_and_it_is_never_sent_again(connect: Open) -> None:
    driver, machine = connect(_numbered(move=[]), b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    driver.move_to(Command(2, BINS[0]))
    found = [(r.command_id, r.state, r.cause) for r in _told(driver, 2)]
    assert found == [
        (1, ReceiptState.UNKNOWN, Cause.NO_ANSWER),
        (2, ReceiptState.MISSED, Cause.NO_ANSWER),
    ]
    state = driver.state()
    assert (state.condition, "no answer to command 1" in state.reason) == (Condition.SAFE, True)
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    assert [line for line in machine.heard if line.startswith("@1")] == ["@1 1"]


def test_a_late_answer_is_not_taken_for_the_next_command(connect: Open) -> None:
    script = _numbered(move=["@1 accepted", "@1 progress", "@1 done"])
    driver, _ = connect(script, b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(2, BINS[0]))
    assert [r.state for r in _told(driver, 1)] == [ReceiptState.UNKNOWN]


class Slow:
    """G-code whose first movement is answered only when it is asked for something else."""

    def __init__(self) -> None:
        self.moves = 0

    def __call__(self, line: str) -> Iterator[str]:
        if line.startswith("M280"):
            self.moves += 1
            if self.moves == 3:
                yield "ok"
            return
        if self.moves:
            yield "ok"
            time.sleep(0.05)
        yield "ok"


def test_an_answer_that_is_late_until_the_ping_is_not_taken_for_the_pings(
    connect: Open, tmp_path: Path
) -> None:
    """Else that of the ping would be taken for the next movement's."""
    profile = tmp_path / "slow.toml"
    text = Path(_hasty("gcode-servo", tmp_path)).read_text()
    profile.write_text(text.replace("fired = 2.0", "fired = 0.3"))
    values = _values(servo=(0, 0, 0), angle=(0, 90, 180))
    script = Slow()
    driver, _ = connect(script, b"start\r\n", profile=str(profile), bins=values)
    for command_id in (1, 2):
        assert driver.arm().condition is Condition.ARMED
        driver.move_to(Command(command_id, BINS[0]))
        assert [r.state for r in _told(driver, 1)] == [ReceiptState.UNKNOWN]
    assert driver.arm().condition is Condition.ARMED
    driver.move_to(Command(3, BINS[0]))
    assert [r.state for r in _told(driver, 1)] == [ReceiptState.FIRED]


def test_a_machine_that_restarts_when_it_is_armed_stays_safe(connect: Open) -> None:
    script = _numbered(ping=["@pong", "@ready"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LineHand, "greet", lambda self: None)
        driver, _ = connect(script, b"", profile="at-id")
    state = driver.arm()
    assert (state.condition, "restarted" in state.reason) == (Condition.SAFE, True)


def test_a_line_in_pieces_between_noise_and_chatter_is_heard(connect: Open) -> None:
    driver, machine = connect(_numbered(move=[]), b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    wait_for(lambda: "@1 1" in machine.heard, "the command")
    for piece in (b"T:20 \xff\xfe\r\r\n" * 400, b"@1 acc", b"epted\r", b"@1 progress\n@1 done\r\n"):
        machine.say(piece)
    states = [receipt.state for receipt in _told(driver, 2)]
    assert states == [ReceiptState.FIRED, ReceiptState.CONFIRMED]


def test_a_machine_that_did_not_take_a_line_hears_the_stop_line_when_it_is_closed(
    connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, machine = connect(numbered_script, b"@ready\r\n", profile="at-id")
    driver.arm()

    def full(*_: object) -> None:
        raise MachineLost("the port took nothing")

    with monkeypatch.context() as slow:
        slow.setattr(SerialLink, "write", full)
        driver.move_to(Command(1, BINS[0]))
        wait_for(driver.receipts, "the end of the command")
    with pytest.raises(MachineLost):
        driver.heartbeat()
    driver.close()
    wait_for(lambda: "@stop" in machine.heard, "the stop line")


def test_a_machine_that_says_no_is_missed_and_stays_armed(connect: Open) -> None:
    driver, _ = connect(_numbered(move=["@1 refused: busy"]), b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    (receipt,) = _told(driver, 1)
    assert (receipt.state, receipt.cause) == (ReceiptState.MISSED, Cause.DECLINED)
    assert driver.state().condition is Condition.ARMED


def test_a_machine_that_fails_leaves_it_unknown_and_is_safe(connect: Open) -> None:
    script = _numbered(move=["@1 accepted", "@1 failed stall"])
    driver, machine = connect(script, b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    (receipt,) = _told(driver, 1)
    assert (receipt.state, receipt.cause) == (ReceiptState.UNKNOWN, Cause.JAM)
    assert driver.state().condition is Condition.SAFE
    wait_for(lambda: "@stop" in machine.heard, "the stop line")


def test_a_machine_that_restarts_while_it_moves_leaves_it_unknown(connect: Open) -> None:
    script = _numbered(move=["@1 accepted", "@ready"])
    driver, _ = connect(script, b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    (receipt,) = _told(driver, 1)
    assert (receipt.state, receipt.cause) == (ReceiptState.UNKNOWN, Cause.RESTART)
    state = driver.state()
    assert (state.condition, "restarted" in state.reason) == (Condition.SAFE, True)
    assert driver.arm().condition is Condition.ARMED


def test_a_cable_that_is_pulled_out_loses_the_machine(connect: Open) -> None:
    driver, machine = connect(_numbered(move=["@1 accepted"]), b"@ready\r\n", profile="at-id")
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    now_s = driver.state().clock_s
    driver.move_to(Command(2, BINS[0], now_s + 50, now_s + 51))
    wait_for(lambda: "@1 1" in machine.heard, "the command")
    machine.unplug()
    found = [(r.command_id, r.state) for r in _told(driver, 2)]
    assert sorted(found) == [(1, ReceiptState.UNKNOWN), (2, ReceiptState.MISSED)]
    with pytest.raises(MachineLost, match="check the cable and open it again"):
        driver.heartbeat()
    refused = driver.move_to(Command(3, BINS[0]))
    assert (refused.state, refused.cause) == (ReceiptState.REFUSED, Cause.NO_ANSWER)


def test_the_watchdog_of_the_thread_says_the_stop_line(connect: Open) -> None:
    driver, machine = connect(numbered_script, b"@ready\r\n", profile="at-id", watchdog_s=0.3)
    driver.arm()
    now_s = driver.state().clock_s
    driver.move_to(Command(1, BINS[0], now_s + 30, now_s + 31))
    wait_for(lambda: "@stop" in machine.heard, "the stop line")
    assert [r.cause for r in _told(driver, 1)] == [Cause.WATCHDOG]


def test_a_machine_that_does_not_answer_when_it_is_armed_stays_safe(
    connect: Open, tmp_path: Path
) -> None:
    profile = _hasty("at-id", tmp_path)
    driver, _ = connect(_numbered(home=["@stuck"]), b"@ready\r\n", profile=profile)
    state = driver.arm()
    assert state.condition is Condition.SAFE
    assert "no answer to arm line '@home': '@stuck'" in state.reason
    assert driver.move_to(Command(1, BINS[0])).cause is Cause.NOT_ARMED


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        (b"", "nothing came; check power, cable, port and baud rate, 9600 now"),
        (b"\xfe\x80\x00\xf8\n\xfe\x80", "that is no text: check the baud rate, 9600 now"),
        (b"hello, I am a 3D printer\r\n", "'hello, I am a 3D printer'; another device"),
    ],
)
def test_no_greeting_garbage_and_another_device(
    connect: Open, tmp_path: Path, greeting: bytes, message: str
) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(
        "[open]\ngreeting = '^<ready>$'\ntimeout_s = 0.6\n"
        "[move]\nsend = '{bin}'\n[answers]\nfired = 'ok'\n"
    )
    with pytest.raises(MachineUnavailable, match=message):
        connect(lambda line: [], greeting, profile=str(profile))


def test_a_port_that_is_held_missing_or_forbidden_says_what_to_do(tmp_path: Path) -> None:
    machine = LineMachine(numbered_script, b"@ready\r\n")
    with Path(machine.port).open("rb+", buffering=0) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(MachineUnavailable, match="another program holds it"):
            open_driver("linetext", BINS, {"port": machine.port, "profile": "at-id"})
    machine.unplug()
    with pytest.raises(MachineUnavailable, match="there is no such port: check the cable"):
        open_driver("linetext", BINS, {"port": str(tmp_path / "none"), "profile": "at-id"})


def test_a_port_that_we_may_not_open_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(MachineUnavailable, match="sudo usermod -aG dialout"):
        open_machine(BINS, {"port": "/dev/ttyACM0", "profile": "at-id"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[move\n", "own.toml: not a TOML file"),
        ("[move]\nsend = ''\n", "own.toml: move: send: found '', expected a line"),
        ("[move]\nsend = 'A{bin'\n", "own.toml: move: send: found 'A{bin'"),
        ("[move]\nsend = '{bin.x}'\n", "placeholder 'bin.x'"),
        ("[move]\nsend = '{bin:999999d}'\n", "with format '999999d'"),
        ('[move]\nsend = "a\\u0007"\n', r"expected up to 120 printable ASCII"),
        ("[move]\nsend = 'x'\nsilent = 1\n", "silent: found 1, expected true or false"),
        (
            "[move]\nsend = 'x'\n[answers]\nfired = '('\n",
            "answers: fired: .* no regular expression",
        ),
        ("[move]\nsend = 'x'\n", "expected either answers.fired"),
        ("[move]\nsend = 'x'\nsilent = true\n[answers]\nfired = 'a'\n", "expected either"),
        ("[move]\nsend = 'x'\nsilent = true\n[timeouts_s]\nfire = 1\n", "did you mean 'fired'"),
        ("baud = 7\n[move]\nsend = 'x'\n", "own.toml: baud: found 7"),
        ("newline = ';'\n[move]\nsend = 'x'\n", "newline: found ';'"),
        ("ping = 'x'\n[move]\nsend = 'x'\nsilent = true\n", "ping: found 'x', expected a table"),
    ],
)
def test_what_is_wrong_in_a_profile_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(DriverSettingsError, match=message):
        load_profile(str(tmp_path / "own.toml"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"profile": "servo-csv"}, "port: found None"),
        ({"port": "a", "profile": "servo"}, "allowed are angle-brackets, at-id"),
        ({"port": "a", "profile": "/none.toml"}, "profile /none.toml: cannot be read"),
        ({"port": "a", "profile": "servo-csv", "bins": {"1": {"servo": "A"}}}, "angle is missing"),
        ({"port": "a", "profile": "at-id", "bins": {"1": {"angle": 1}}}, "unknown key 'angle'"),
        (
            {"port": "a", "profile": "stepper-chute", "bins": {"1": {"position": "far"}}},
            "bins.1: {'position': 'far'} does not fit 'MOVE {position:d}'",
        ),
        (
            {"port": "a", "profile": "single-letter", "bins": {"1": {"letter": "\n"}}},
            "bins.1: found .* printable ASCII",
        ),
        ({"port": "a", "profile": "at-id", "bins": {"x": {}}}, "expected the number of a bin"),
        ({"port": "a", "profile": "at-id", "bins": {"1": {}, "01": {}}}, "found bin 1 twice"),
        (
            {"port": "a", "profile": "servo-csv", "bins": {"1": {"servo": "A", "angle": math.nan}}},
            "bins.1.angle: found nan, expected a number",
        ),
        ({"port": "a", "profile": "at-id", "baud": 1}, "baud: found 1"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DriverSettingsError, match=message):
        read_settings(settings)


def test_a_bin_without_its_values_is_named_before_the_port_is_opened() -> None:
    settings = {"port": "/dev/none", "profile": "stepper-chute", "bins": {"1": {"position": 1}}}
    with pytest.raises(DriverSettingsError, match=r"bins\.2: position is missing"):
        open_machine(BINS, settings)

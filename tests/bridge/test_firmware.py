"""The firmware: its table, its build, its flashing, and what its program does on simavr."""

import os
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from conversation import Host, armed
from sbp_machines import Avr, bins_on, scratch

from sorter_firmware_bridge import firmware
from sorter_firmware_bridge.errors import FirmwareError
from sorter_firmware_bridge.firmware.build import build, flash
from sorter_firmware_bridge.firmware.table import BOARDS, SHIPPED, Output, Table, header, read_table
from sorter_firmware_bridge.protocol import Mode, Result, Why

OUTPUT = '[[output]]\nbin = 1\nkind = "pulse"\npin = 4\non_ms = 10\n'
SECOND = '[[output]]\nbin = 2\nkind = "pulse"\npin = 5\non_ms = 10\n'
SERVO = '[[output]]\nbin = 3\nkind = "servo"\npin = 4\non_ms = 10\n'
SENSOR = "[[sensor]]\npin = 2\n"

WRONG = {
    "board": (f'board = "due"\n{OUTPUT}', "board: found 'due', allowed are uno, nano, mega"),
    "baud": (f"baud = 1200\n{OUTPUT}", "baud: found 1200, allowed are 9600, 57600"),
    "baud, a fraction": (f"baud = 115200.0\n{OUTPUT}", r"baud: found 115200\.0, allowed are"),
    "watchdog_ms": (f"watchdog_ms = 10\n{OUTPUT}", r"watchdog_ms: found 10, .* 50\.\.60000"),
    "max_on_ms": (f"max_on_ms = 0\n{OUTPUT}", r"max_on_ms: found 0, .* 1\.\.60000"),
    "homes": (f'homes = "yes"\n{OUTPUT}', "homes: found 'yes', expected true or false"),
    "confirm": (f"confirm = 3\n{OUTPUT}", "confirm: found 3, expected a table"),
    "window": (f"{OUTPUT}[confirm]\nwindow_ms = 0\n", r"confirm.window_ms: found 0"),
    "confirm key": (f"{OUTPUT}[confirm]\nwindows = 1\n", "did you mean 'window_ms'"),
    "key": (f"bauds = 9600\n{OUTPUT}", "unknown key 'bauds'; did you mean 'baud'"),
    "no output": ("baud = 9600\n", r"how many outputs: found 0, .* 1\.\.16"),
    "output": ("output = 3\n", r"output: found 3, expected \[\[output\]\] tables"),
    "output key": (f"{OUTPUT}speed = 3\n", "output 1: unknown key 'speed'"),
    "output lacks": ('[[output]]\nbin = 1\nkind = "pulse"\n', "output 1: pin, on_ms is missing"),
    "bin": (OUTPUT.replace("bin = 1", "bin = 255"), r"output.bin: found 255, .* 0\.\.254"),
    "bins": (OUTPUT + OUTPUT.replace("4", "5"), r"bins \[1\] have two outputs; give each"),
    "kind": (OUTPUT.replace("pulse", "motor"), "kind: found 'motor', allowed are pulse, servo"),
    "active": (f'{OUTPUT}active = "on"\n', "active: found 'on', allowed are high, low"),
    "on_ms": (OUTPUT.replace("10", "0"), r"bin 1, on_ms: found 0, .* 1\.\.60000"),
    "on_ms, long": (f"max_on_ms = 5\n{OUTPUT}", r"on_ms of bins \[1\] is above max_on_ms = 5"),
    "rest_ms": (f"{OUTPUT}rest_ms = -1\n", r"rest_ms: found -1, .* 0\.\.60000"),
    "rest_deg": (f"{OUTPUT}rest_deg = 200\n", r"rest_deg: found 200, .* 0\.\.180"),
    "active_deg": (f"{OUTPUT}active_deg = 200\n", r"active_deg: found 200, .* 0\.\.180"),
    "group": (f"{OUTPUT}group = 256\n", r"group: found 256, .* 0\.\.255"),
    "pin": (OUTPUT.replace("pin = 4", "pin = 20"), r"pin on the uno: found 20, .* 0\.\.19"),
    "pin, a list": (SERVO.replace("pin = 4", "pin = [4]"), r"bin 3, pin: found \[4\], expected"),
    "pin, a word": (OUTPUT.replace("pin = 4", 'pin = "A0"'), r"bin 1, pin: found 'A0', expected"),
    "serial pin": (OUTPUT.replace("pin = 4", "pin = 1"), "pin 1: taken by the serial line"),
    "sensor pin": (f"{OUTPUT}[[sensor]]\npin = [2]\n", r"sensor, pin: found \[2\], expected"),
    "pin twice": (f"{OUTPUT}[[sensor]]\npin = 4\n", r"pins \[4\] are used twice"),
    "sensors": (OUTPUT + SENSOR * 9, r"how many sensors and drop sensors: found 9, .* 0\.\.8"),
    "debounce": (f"{OUTPUT}{SENSOR}debounce_ms = -1\n", r"debounce_ms: found -1, .* 0\.\.1000"),
    "sensor active": (f"{OUTPUT}{SENSOR}active = 1\n", "active: found 1, allowed are high, low"),
    "drop bin": (f"{OUTPUT}[[drop]]\npin = 3\nbin = 9\n", r"of bins \[9\]: there are bins \[1\]"),
    "both kinds": (OUTPUT + SERVO, "pin 4: both a pulse and a servo"),
    "two rests": (
        OUTPUT + SECOND.replace("5", "4") + 'active = "low"\n',
        "pin 4: outputs that share it differ in active or rest_deg",
    ),
    "no TOML": ("[[output\n", "machine.toml: "),
    "too deep": (f"x = {'[' * 3000}{']' * 3000}\n", "machine.toml: "),
    "too long": (f"watchdog_ms = {'9' * 5000}\n{OUTPUT}", "machine.toml: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_table_is_named(name: str, tmp_path: Path) -> None:
    text, message = WRONG[name]
    file = tmp_path / "machine.toml"
    file.write_text(text)
    with pytest.raises(FirmwareError, match=message) as caught:
        read_table(file)
    assert str(file) in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match=r"machine\.toml: cannot be read"):
        read_table(tmp_path / "machine.toml")


def test_the_header_holds_the_table() -> None:
    text = header(read_table(SHIPPED))
    assert "constexpr uint32_t kBaud = 115200;" in text
    assert "constexpr bool kUsesServos = true;" in text
    assert "{1, 0, 45, 5}," in text
    assert "{6, 5, 400, 200}," in text
    # 20 and 110 degrees of 180, between 500 and 2500 us.
    assert "{board::kServo, 10, true, 722, 1722}," in text
    assert "{board::kPulse, 4, true, 722, 1722}," in text
    assert "{2, false, 5, false, 0}," in text
    assert "{3, false, 5, true, 255}," in text
    assert "{kOutputs, 6, 1000, 2000, 1500, 1, false};" in text


@pytest.mark.parametrize(
    ("pins", "groups", "expected"),
    [
        ((4, 5, 6), (None, None, None), (0, 1, 2)),
        ((4, 4, 6), (None, None, None), (0, 0, 1)),
        ((4, 5, 6), (7, None, 7), (0, 1, 0)),
        # One actuator through either: the pin of the first, the group of the last.
        ((4, 4, 6), (None, 7, 7), (0, 0, 0)),
        ((4, 5, 5, 4), (1, 2, None, None), (0, 1, 1, 0)),
        ((4, 5, 4, 5), (1, None, None, 1), (0, 0, 0, 0)),
    ],
)
def test_outputs_of_one_pin_or_one_group_are_one_actuator(
    pins: tuple[int, ...], groups: tuple[int | None, ...], expected: tuple[int, ...]
) -> None:
    rows = zip(pins, groups, strict=True)
    outputs = [Output(bin_, "pulse", pin, 10, group=g) for bin_, (pin, g) in enumerate(rows)]
    assert Table(tuple(outputs)).groups == expected


# ---- building and flashing ----------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_the_shipped_machine_is_built_for_every_board(board: str, tmp_path: Path) -> None:
    (tmp_path / "machine.toml").write_text(
        SHIPPED.read_text().replace('board = "uno"', f'board = "{board}"')
    )
    made = build(read_table(tmp_path / "machine.toml"), tmp_path / "made")
    assert made.hex.read_text().startswith(":")
    assert 0 < made.flash_bytes <= 8192
    assert 0 < made.ram_bytes <= 1024


def test_the_homing_routine_of_the_page_is_built(tmp_path: Path) -> None:
    page = (Path(firmware.__file__).parents[1] / "MACHINES.md").read_text()
    routine = page.split("```cpp\n")[1].split("```")[0]
    homes = replace(read_table(SHIPPED), homes=True)
    without = build(homes, tmp_path / "without")
    (tmp_path / "ö wn").mkdir()
    (tmp_path / "ö wn" / "homing.cpp").write_text(routine)
    assert build(homes, tmp_path / "ö wn").flash_bytes > without.flash_bytes


def test_a_mistake_in_ones_own_file_is_shown_in_the_words_of_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "homing.cpp").write_text("int no_such_thing() { return nothing; }\n")
    with pytest.raises(FirmwareError, match=r"homing\.cpp:1:30: error: .nothing. was not"):
        build(read_table(SHIPPED), tmp_path)


def test_a_build_that_fails_leaves_no_older_program_to_be_flashed(tmp_path: Path) -> None:
    (tmp_path / "firmware.hex").write_text(":00000001FF\n")
    (tmp_path / "homing.cpp").write_text("int no_such_thing() { return nothing; }\n")
    with pytest.raises(FirmwareError):
        build(read_table(SHIPPED), tmp_path)
    with pytest.raises(FirmwareError, match="build the firmware first"):
        flash(tmp_path / "firmware.hex", "/dev/null", read_table(SHIPPED))


def test_missing_tools_are_named_with_what_installs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FirmwareError, match=r"avr-g\+\+, .*: sudo apt install gcc-avr avr-libc"):
        build(read_table(SHIPPED), tmp_path)
    with pytest.raises(FirmwareError, match="avrdude: not installed"):
        flash(tmp_path, "/dev/null", read_table(SHIPPED))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FirmwareError, match="made: cannot be written"):
        build(read_table(SHIPPED), tmp_path / "file" / "made")


def _avrdude(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    tool = folder / "avrdude"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_flashing_tells_avrdude_the_board_and_the_port(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _avrdude(tmp_path, monkeypatch, 'echo "$@"; echo "avrdude done.  Thank you." >&2')
    program, port = tmp_path / "firmware.hex", tmp_path / "port"
    program.write_text(":00000001FF\n")
    port.write_text("")
    said = flash(program, str(port), read_table(SHIPPED))
    assert said.splitlines() == [
        f"-p atmega328p -c arduino -P {port} -b 115200 -D -U flash:w:{program}:i",
        "avrdude done.  Thank you.",
    ]


def test_a_board_that_does_not_take_the_program_is_shown_in_the_words_of_avrdude(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _avrdude(tmp_path, monkeypatch, "echo 'avrdude: programmer is not responding' >&2; exit 1")
    program = tmp_path / "firmware.hex"
    program.write_text("")
    with pytest.raises(FirmwareError, match="programmer is not responding"):
        flash(program, str(program), read_table(SHIPPED))
    with pytest.raises(FirmwareError, match="there is no such port; `bricksight-bridge doctor`"):
        flash(program, str(tmp_path / "none"), read_table(SHIPPED))
    with pytest.raises(FirmwareError, match="build the firmware first"):
        flash(tmp_path / "none.hex", str(program), read_table(SHIPPED))


# ---- what the program does ----------------------------------------------------------------------

PINS = Table(
    (
        Output(1, "servo", 9, on_ms=100, rest_ms=20, rest_deg=20, active_deg=110),
        Output(2, "servo", 9, on_ms=100, rest_ms=20, rest_deg=20, active_deg=160),
        Output(3, "servo", 10, on_ms=60, rest_deg=0, active_deg=180),
        Output(4, "pulse", 4, on_ms=10, active="low"),
        Output(5, "pulse", 5, on_ms=200, group=1),
        Output(6, "pulse", 5, on_ms=30),
    ),
    watchdog_ms=2000,
)
WIDTH_TOLERANCE_US = 25
"""A pulse waits for the interrupt of the serial line."""


@pytest.fixture
def pins() -> Avr:
    return Avr(PINS)


def _widths(machine: Avr, pin: int) -> list[tuple[float, float]]:
    """When each pulse of a servo began, and how long it was."""
    levels = machine.levels(pin)
    changes = [now for before, now in zip([(0.0, False), *levels], levels, strict=False)
               if before[1] != now[1]]  # fmt: skip
    return [(a[0], b[0] - a[0]) for a, b in pairwise(changes) if a[1]]


def test_outputs_that_are_active_low_are_never_on_at_power_up(pins: Avr) -> None:
    host = armed(pins)
    assert all(high for _, high in pins.levels(4))
    assert len(pins.levels(4)) > 0
    assert not any(high for _, high in pins.levels(5))
    host.move(4)
    host.wait(50_000)
    (low_us,) = [at_us for at_us, high in pins.levels(4) if not high]
    back_us = pins.levels(4)[-1][0]
    assert 10_000 <= back_us - low_us <= 10_500


def test_servo_pulses_have_the_width_of_their_angle_and_twenty_milliseconds(pins: Avr) -> None:
    host = armed(pins)
    host.wait(100_000)
    host.move(1)
    host.move(3)
    host.wait(300_000)
    for pin, rest_us, active_us in ((9, 722, 1722), (10, 500, 2500)):
        pulses = _widths(pins, pin)
        widths = [width for _, width in pulses]
        off_us = [min(abs(w - rest_us), abs(w - active_us)) for w in widths]
        assert max(off_us) <= WIDTH_TOLERANCE_US
        active = [abs(width - active_us) <= WIDTH_TOLERANCE_US for width in widths]
        # At rest before, active for one stretch, at rest after.
        assert (active[0], active[-1]) == (False, False)
        assert sum(one != other for one, other in pairwise(active)) == 2
        assert 3 <= sum(active) <= 6
        periods = [after - before for (before, _), (after, _) in pairwise(pulses)]
        # The first servo's width shifts the second's pulse within the period.
        assert all(abs(period - 20_000) <= 1000 + WIDTH_TOLERANCE_US for period in periods)
    assert host.poll().mode is Mode.ARMED


def test_two_outputs_of_one_servo_wait_for_each_other(pins: Avr) -> None:
    host = armed(pins)
    host.move(1)
    host.move(2)
    host.wait(400_000)
    first, second = host.poll().events
    assert [first.detail, second.detail] == [1, 2]
    assert second.clock_us - first.clock_us >= 120_000
    wide = [round(width, -2) for _, width in _widths(pins, 9) if width > 1000]
    assert wide == sorted(wide)
    assert set(wide) == {1700, 2300}


def test_two_outputs_of_one_pin_wait_for_each_other_although_one_is_of_a_group(pins: Avr) -> None:
    host = armed(pins)
    host.move(5)
    host.move(6)
    host.wait(400_000)
    levels = [at_us for at_us, _ in pins.levels(5)][-4:]
    assert [round(b - a, -3) for a, b in pairwise(levels)][::2] == [200_000, 30_000]


def test_what_is_on_when_it_is_stopped_goes_off_at_once(pins: Avr) -> None:
    host = armed(pins)
    host.move(5)
    host.move(4)
    host.wait(5_000)
    host.stop()
    assert pins.levels(5)[-1][1] is False
    assert pins.levels(4)[-1][1] is True
    assert host.poll().mode is Mode.SAFE


# ---- a user's own file --------------------------------------------------------------------------

OWN = """
#include <Arduino.h>
#include "machine.h"

static uint32_t begun_ms;

sbp::Homing home_machine(bool start) {
  if (start) {
    begun_ms = millis();
    pinMode(12, OUTPUT);
    digitalWrite(12, HIGH);
  }
  if (millis() - begun_ms < 50) return sbp::Homing::kBusy;
  digitalWrite(12, LOW);
  return digitalRead(7) == HIGH ? sbp::Homing::kFailed : sbp::Homing::kDone;
}
void halt_machine() { digitalWrite(12, LOW); }
uint8_t faulty_bin() {
  while (digitalRead(6) == HIGH) {
  }
  return digitalRead(8) == HIGH ? 2 : sbp::kNoFault;
}
"""
MOTOR, NO_HOME, HANGS, JAMMED = 12, 7, 6, 8
HOMING = Table(
    (Output(1, "pulse", 4, on_ms=1000), Output(2, "pulse", 5, on_ms=10)),
    watchdog_ms=600,
    homes=True,
)


@cache
def _own_program() -> Path:
    folder = scratch() / "own"
    folder.mkdir()
    (folder / "homing.cpp").write_text(OWN)
    return build(HOMING, folder).hex


@pytest.fixture
def homing() -> Avr:
    return Avr(HOMING, program=_own_program())


@pytest.fixture
def homed(homing: Avr) -> Host:
    host = armed(homing)
    host.wait(60_000)
    assert host.poll().mode is Mode.ARMED
    return host


def test_arming_homes_first_and_nothing_moves_before(homing: Avr) -> None:
    host = Host(homing)
    host.open()
    assert host.arm().mode is Mode.HOMING
    assert homing.levels(MOTOR)[-1][1] is True
    assert host.move(2).result is Result.NOT_ARMED
    host.wait(60_000)
    assert host.poll().mode is Mode.ARMED
    assert homing.levels(MOTOR)[-1][1] is False
    host.move(2)
    host.wait(50_000)
    assert bins_on(homing.edges()) == [2]


def test_stop_while_it_homes_halts_what_homing_moves(homing: Avr) -> None:
    host = Host(homing)
    host.open()
    host.arm()
    assert host.stop().mode is Mode.SAFE
    assert homing.levels(MOTOR)[-1][1] is False
    host.wait(200_000)
    assert host.poll().mode is Mode.SAFE
    assert sum(high for _, high in homing.levels(MOTOR)) == 1
    assert host.arm().mode is Mode.HOMING


def test_homing_that_fails_is_safe_with_its_cause(homing: Avr) -> None:
    homing.set_pin(NO_HOME, True)
    host = armed(homing)
    host.wait(60_000)
    status = host.poll()
    assert (status.mode, status.why) == (Mode.SAFE, Why.HOMING)
    homing.set_pin(NO_HOME, False)
    host.arm()
    host.wait(60_000)
    assert host.poll().mode is Mode.ARMED


def test_a_jam_is_safe_with_its_bin_and_declines_to_be_armed_while_it_lasts(homed: Host) -> None:
    machine = homed.machine
    assert isinstance(machine, Avr)
    homed.move(1)
    machine.set_pin(JAMMED, True)
    homed.wait(5_000)
    status = homed.poll()
    assert (status.mode, status.why, status.detail) == (Mode.SAFE, Why.JAM, 2)
    assert [edge.on for edge in machine.edges()] == [True, False]
    declined = homed.arm()
    assert (declined.result, declined.mode) == (Result.DECLINED, Mode.SAFE)
    machine.set_pin(JAMMED, False)
    homed.arm()
    homed.wait(60_000)
    assert homed.poll().mode is Mode.ARMED


def test_a_program_that_hangs_is_reset_and_its_outputs_are_safe(homed: Host) -> None:
    machine = homed.machine
    assert isinstance(machine, Avr)
    before = homed.hello()
    homed.move(1)
    assert machine.edges()[-1].on is True
    machine.set_pin(HANGS, True)
    hung_us = machine.now_us
    homed.wait(500_000)
    ends = [edge.at_us for edge in machine.edges() if not edge.on]
    assert len(ends) == 1
    assert ends[0] - hung_us <= 300_000
    machine.get()
    after = Host(machine)
    # Reset once: the next number after the newest session.
    assert after.hello().boot_id == before.session + 1
    assert after.open().mode is Mode.DISARMED
    # It lives on: the watchdog that bit does not bite again while it is fed.
    after.wait(1_000_000)
    assert after.hello().boot_id == before.session + 1
    assert bins_on(machine.edges()) == [1]

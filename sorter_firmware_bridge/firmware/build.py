"""Compiles the firmware with Debian's gcc-avr and arduino-core-avr, and puts it onto a board."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sorter_firmware_bridge.errors import FirmwareError
from sorter_firmware_bridge.firmware.table import BOARDS, Board, Table, header

SOURCES = Path(__file__).parent
ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")
CLOCK_HZ = 16_000_000
TOOL_TIMEOUT_S = 300
INSTALL = "sudo apt install gcc-avr avr-libc arduino-core-avr avrdude"
# Arduino's own core, without what the firmware never calls.
_CORE_FILES = (
    *("HardwareSerial.cpp", "HardwareSerial0.cpp", "Print.cpp", "WString.cpp", "abi.cpp"),
    *("hooks.c", "main.cpp", "new.cpp", "wiring.c", "wiring_digital.c"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """What a compiler run gave.

    Attributes:
        hex: The program, Intel HEX, to be flashed.
        elf: The same with symbols.
        flash_bytes: Of program memory.
        ram_bytes: Of static variables; the stack comes on top.
    """

    hex: Path
    elf: Path
    flash_bytes: int
    ram_bytes: int


def build(table: Table, folder: Path, defines: Sequence[str] = ()) -> Built:
    """Compile the firmware for a machine.

    Args:
        table: What the machine is.
        folder: Where the program goes; made where it is missing. C++ files that lie there are
            compiled with the rest: the place for a homing routine of one's own.
        defines: Preprocessor names to set.

    Raises:
        FirmwareError: A tool is missing, or the compiler refused.
    """
    _need("avr-g++", "avr-gcc", "avr-objcopy", "avr-size")
    if not ARDUINO.is_dir():
        raise FirmwareError(f"{ARDUINO} is missing; install it: {INSTALL}")
    board = BOARDS[table.board]
    own = sorted(folder.glob("*.cpp")) if folder.is_dir() else []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # What was built before is not for this table: nobody shall flash it after a failure.
        for name in ("firmware.hex", "firmware.elf"):
            (folder / name).unlink(missing_ok=True)
        (folder / "table.h").write_text(header(table))
    except OSError as error:
        raise FirmwareError(f"{folder}: cannot be written ({error.strerror})") from error
    elf, hex_ = folder / "firmware.elf", folder / "firmware.hex"
    with tempfile.TemporaryDirectory(prefix="bricksight-firmware-") as objects:
        jobs = [(source, Path(objects) / f"{place}.o") for place, source in _sources(own)]
        flags = _flags(board, folder, defines)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda job: _compile(board, flags, *job), jobs))
        _run(["avr-gcc", "-Os", f"-mmcu={board.mcu}", "-flto", "-fuse-linker-plugin",
              "-Wl,--gc-sections", *[str(o) for _, o in jobs], "-o", str(elf)])  # fmt: skip
    _run(["avr-objcopy", "-O", "ihex", "-R", ".eeprom", str(elf), str(hex_)])
    flash, ram = _sizes(elf)
    return Built(hex_, elf, flash, ram)


def flash(built: Path, port: str, table: Table) -> str:
    """Put a program onto a board over its boot loader.

    Args:
        built: firmware.hex.
        port: For example /dev/ttyACM0.
        table: What it was built from; says which board.

    Returns:
        What avrdude said.

    Raises:
        FirmwareError: avrdude is missing or failed.
    """
    _need("avrdude")
    if not built.is_file():
        raise FirmwareError(f"{built}: there is no such file; build the firmware first")
    if not Path(port).exists():
        raise FirmwareError(f"{port}: there is no such port; `bricksight-bridge doctor` lists them")
    board = BOARDS[table.board]
    return _run(
        ["avrdude", "-p", board.mcu, "-c", board.programmer, "-P", port,
         "-b", str(board.flash_baud), "-D", "-U", f"flash:w:{built}:i"]
    )  # fmt: skip


def _sources(own: Sequence[Path]) -> list[tuple[int, Path]]:
    cores = [ARDUINO / "cores" / "arduino" / name for name in _CORE_FILES]
    ours = [*sorted((SOURCES / "core").glob("*.cpp")), *sorted((SOURCES / "uno").glob("*.cpp"))]
    return list(enumerate([*cores, *ours, *own]))


def _flags(board: Board, folder: Path, defines: Sequence[str]) -> list[str]:
    includes = [
        *(ARDUINO / "cores" / "arduino", ARDUINO / "variants" / board.variant),
        *(SOURCES / "core", SOURCES / "uno", folder),
    ]
    return [
        *("-Os", "-flto", "-ffunction-sections", "-fdata-sections", f"-mmcu={board.mcu}"),
        *(f"-DF_CPU={CLOCK_HZ}L", "-DARDUINO=10808", "-DARDUINO_ARCH_AVR"),
        # Debian's compiler lacks a name that the core uses.
        *("-DDECIMAL_DIG=17", *[f"-D{name}" for name in defines]),
        *[f"-I{include}" for include in includes],
    ]


def _compile(board: Board, flags: list[str], source: Path, made: Path) -> None:
    if source.suffix == ".c":
        start = ["avr-gcc", "-std=gnu11"]
    else:
        start = ["avr-g++", "-std=gnu++14", "-fno-exceptions", "-fno-threadsafe-statics"]
    quiet = (
        ["-w"] if ARDUINO in source.parents else ["-Wall", "-Wextra", "-Wno-type-limits", "-Werror"]
    )
    _run([*start, *flags, *quiet, "-c", str(source), "-o", str(made)])


def _sizes(elf: Path) -> tuple[int, int]:
    """Program memory and static RAM, from the sections that take them."""
    found = dict(re.findall(r"^\.(\w+)\s+(\d+)", _run(["avr-size", "-A", str(elf)]), re.MULTILINE))
    text, data, bss, noinit = (int(found.get(n, 0)) for n in ("text", "data", "bss", "noinit"))
    return text + data, data + bss + noinit


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise FirmwareError(f"{', '.join(missing)}: not installed; install with: {INSTALL}")


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirmwareError(f"{command[0]}: {error}") from error
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        raise FirmwareError(f"{command[0]} failed ({done.returncode}):\n{said}")
    return said

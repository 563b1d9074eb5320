"""The serial ports of this computer: what hangs there, and whether this user may open them."""

import grp
import os
import stat
from dataclasses import dataclass
from pathlib import Path

BY_ID = Path("/dev/serial/by-id")
# Boards of the Uno family and the chips that stand in for them.
_LIKELY = {0x2341: "Arduino", 0x2A03: "Arduino", 0x1A86: "CH340", 0x0403: "FTDI", 0x10C4: "CP210x"}


@dataclass(frozen=True, slots=True)
class Port:
    """One serial port.

    Attributes:
        device: For example /dev/ttyACM0.
        stable: Its name that survives replugging, in /dev/serial/by-id; the device where none is.
        description: What USB says of it; empty for a port of the board itself.
        likely: Whether a board of ours may hang there.
        problem: Why this user cannot open it, and the fix; empty where nothing keeps him.
    """

    device: str
    stable: str
    description: str
    likely: bool
    problem: str


def list_ports() -> list[Port]:
    """All serial ports, the likely ones first.

    Raises:
        ImportError: pyserial is not installed.
    """
    from serial.tools import list_ports as serial_ports

    names = _stable_names()
    found = [
        Port(
            device=port.device,
            stable=names.get(port.device, port.device),
            description=_described(port.description, port.manufacturer, port.vid, port.pid),
            likely=port.vid in _LIKELY,
            problem=permission_problem(Path(port.device)),
        )
        for port in serial_ports.comports()
    ]
    return sorted(found, key=lambda port: (not port.likely, not port.description, port.device))


def permission_problem(device: Path) -> str:
    """Why this user cannot open a device, and the fix; empty where nothing keeps him."""
    if os.access(device, os.R_OK | os.W_OK):
        return ""
    try:
        status = device.stat()
    except OSError as error:
        return f"it cannot be looked at ({error.strerror}); check the cable"
    group = _group(status.st_gid)
    if not stat.S_IMODE(status.st_mode) & stat.S_IRGRP:
        return f"only root may open it; install deploy's udev rule, or: sudo chmod g+rw {device}"
    if status.st_gid in os.getgroups():
        return f"group {group} may not write to it: sudo chmod g+rw {device}"
    return f"this user is not in group {group}: sudo usermod -aG {group} $USER, then log in again"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _described(description: str, manufacturer: str | None, vid: int | None, pid: int | None) -> str:
    if vid is None:
        return ""
    known = _LIKELY.get(vid)
    words = [word for word in (manufacturer, description) if word and word != "n/a"]
    if known and not any(known.lower() in word.lower() for word in words):
        words.append(known)
    return f"{' '.join(dict.fromkeys(words)) or 'USB'} ({vid:04x}:{pid or 0:04x})"


def _stable_names() -> dict[str, str]:
    if not BY_ID.is_dir():
        return {}
    return {str(link.resolve()): str(link) for link in sorted(BY_ID.iterdir())}

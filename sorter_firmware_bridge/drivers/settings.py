"""Settings of drivers, checked at the door."""

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sorter_firmware_bridge.errors import DriverSettingsError

MAX_BIN_DIGITS = 9


def check_keys(found: Mapping[str, object], allowed: Iterable[str], where: str) -> None:
    """Refuse a key that is not allowed.

    Raises:
        DriverSettingsError: Names the key, the nearest allowed one and all of them.
    """
    names = list(allowed)
    for key in found:
        if key not in names:
            close = get_close_matches(str(key), names, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise DriverSettingsError(
                f"{where}: unknown key {key!r}; {hint}allowed are {', '.join(names)}"
            )


def check_number(where: str, value: object, low: float, high: float) -> None:
    """Refuse what is not a finite number in low..high.

    Raises:
        DriverSettingsError: Names the setting, what was found and the range.
    """
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not low <= number <= high:
        raise DriverSettingsError(f"{where}: found {value!r}, expected a number {low:g}..{high:g}")


def check_whole(where: str, value: object, low: int, high: int) -> None:
    """Refuse what is not a whole number in low..high.

    Raises:
        DriverSettingsError: Names the setting, what was found and the range.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DriverSettingsError(
            f"{where}: found {value!r}, expected a whole number {low}..{high}"
        )


def check_truth(where: str, value: object) -> None:
    """Refuse what is neither true nor false.

    Raises:
        DriverSettingsError: Names the setting and what was found.
    """
    if not isinstance(value, bool):
        raise DriverSettingsError(f"{where}: found {value!r}, expected true or false")


def read_names(where: str, value: object) -> tuple[str, ...]:
    """A list of texts.

    Raises:
        DriverSettingsError: Names the setting and what was found.
    """
    if isinstance(value, list | tuple) and all(isinstance(n, str) and n.strip() for n in value):
        return tuple(value)
    raise DriverSettingsError(f"{where}: found {value!r}, expected a list of names")


def read_by_bin(where: str, found: Mapping[object, object]) -> dict[int, object]:
    """A table by the numbers of bins; in a file its keys are texts.

    Raises:
        DriverSettingsError: A key is no number, or two are the same one.
    """
    read: dict[int, object] = {}
    for key, value in found.items():
        text = str(key)
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_BIN_DIGITS):
            raise DriverSettingsError(f"{where}: found {key!r}, expected the number of a bin")
        if int(text) in read:
            raise DriverSettingsError(f"{where}: found bin {int(text)} twice; keep one")
        read[int(text)] = value
    return read

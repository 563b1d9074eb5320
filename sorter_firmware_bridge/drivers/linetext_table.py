"""Reading one table of a profile, with errors that name the file and the key."""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sorter_firmware_bridge.drivers.settings import (
    check_keys,
    check_number,
    check_truth,
    check_whole,
)
from sorter_firmware_bridge.errors import DriverSettingsError

MAX_LINE_CHARS = 120
MAX_LINES = 4
MAX_PATTERN_CHARS = 200
MAX_TIMEOUT_S = 120.0
NEWLINES = ("\n", "\r\n", "\r")
_SPEC = re.compile(r"(0?[1-9])?[dxX]?|\.[0-6]f")


@dataclass(frozen=True, slots=True)
class Question:
    """A line that is sent outside of a movement, and what has to come back.

    Attributes:
        send: The line; empty for none.
        expect: What an answer has to match; None where nothing is awaited.
        timeout_s: How long it is awaited.
    """

    send: str = ""
    expect: re.Pattern[str] | None = None
    timeout_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a profile; every reader names the file and the key it refuses."""

    where: str
    found: Mapping[str, Any]

    def check(self, allowed: tuple[str, ...]) -> None:
        check_keys(self.found, allowed, self.where)

    def part(self, key: str) -> "Table":
        found = self.found.get(key, {})
        if not isinstance(found, Mapping):
            raise DriverSettingsError(f"{self.where}: {key}: found {found!r}, expected a table")
        return Table(f"{self.where}: {key}", found)

    def text(self, key: str, default: str) -> str:
        found = self.found.get(key, default)
        if not isinstance(found, str):
            raise DriverSettingsError(f"{self.where}: {key}: found {found!r}, expected a text")
        return found

    def number(self, key: str, default: float, high: float) -> float:
        found = self.found.get(key, default)
        check_number(f"{self.where}: {key}", found, 0, high)
        return float(found)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        found = self.found.get(key, default)
        check_whole(f"{self.where}: {key}", found, low, high)
        return int(found)

    def truth(self, key: str) -> bool:
        found = self.found.get(key, False)
        check_truth(f"{self.where}: {key}", found)
        return bool(found)

    def newline(self) -> str:
        found = self.text("newline", "\n")
        if found not in NEWLINES:
            allowed = ", ".join(map(repr, NEWLINES))
            raise DriverSettingsError(
                f"{self.where}: newline: found {found!r}, allowed are {allowed}"
            )
        return found

    def line(self, key: str) -> str:
        found = self.text(key, "")
        check_line(f"{self.where}: {key}", found)
        return found

    def templates(self, key: str) -> tuple[str, ...]:
        found = self.found.get(key)
        lines: list[Any] = found if isinstance(found, list) else [found]
        if not 1 <= len(lines) <= MAX_LINES or not all(isinstance(e, str) and e for e in lines):
            raise DriverSettingsError(
                f"{self.where}: {key}: found {found!r}, expected a line such as 'A,{{angle}}', "
                f"or a list of up to {MAX_LINES}"
            )
        for line in lines:
            check_line(f"{self.where}: {key}", line)
            _check_template(f"{self.where}: {key}", line)
        return tuple(lines)

    def pattern(self, key: str) -> re.Pattern[str] | None:
        if key not in self.found:
            return None
        found = self.text(key, "")
        if not found or len(found) > MAX_PATTERN_CHARS:
            raise DriverSettingsError(
                f"{self.where}: {key}: {len(found)} characters, expected 1..{MAX_PATTERN_CHARS}"
            )
        try:
            return re.compile(found)
        except re.error as error:
            raise DriverSettingsError(
                f"{self.where}: {key}: {found!r} is no regular expression: {error}"
            ) from error

    def question(self) -> Question:
        self.check(("send", "expect", "timeout_s"))
        timeout_s = self.number("timeout_s", 2.0, MAX_TIMEOUT_S)
        return Question(self.line("send"), self.pattern("expect"), timeout_s)

    def timeouts(self) -> Mapping[str, float]:
        names = ("accepted", "fired", "confirmed")
        self.check(names)
        return MappingProxyType({name: self.number(name, 2.0, MAX_TIMEOUT_S) for name in names})


def check_line(where: str, line: str) -> None:
    """Refuse what cannot be one line on the wire.

    Raises:
        DriverSettingsError: It is too long, not ASCII or has control characters.
    """
    if len(line) > MAX_LINE_CHARS or not line.isascii() or not line.isprintable():
        raise DriverSettingsError(
            f"{where}: found {line!r}, expected up to {MAX_LINE_CHARS} printable ASCII characters"
        )


def _check_template(where: str, template: str) -> None:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise DriverSettingsError(f"{where}: found {template!r}: {error}") from error
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or conversion or not _SPEC.fullmatch(spec or ""):
            raise DriverSettingsError(
                f"{where}: placeholder {name!r} with format {spec!r}, expected a name such as "
                "{bin}, {id} or {angle}, with a format such as 03d or .1f"
            )


def placeholders(template: str) -> list[str]:
    """The names in a template, in order."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]

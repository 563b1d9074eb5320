"""A dialogue with a machine that speaks lines, as a TOML file describes it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sorter_firmware_bridge.drivers.linetext_table import (
    MAX_TIMEOUT_S,
    Question,
    Table,
    placeholders,
)
from sorter_firmware_bridge.errors import DriverSettingsError

MAX_FILE_BYTES = 64 * 1024
BUILT_IN = frozenset({"id", "bin"})
_SECTIONS = ("open", "ping", "arm", "stop", "move", "answers", "timeouts_s")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the machine says of a movement; a group named `id` ties it to the command.

    Attributes:
        accepted: It will move.
        fired: It moves, or it has moved.
        confirmed: A sensor saw the item.
        refused: It will not move, and did not.
        error: Something went wrong; what happened to the item is not known.
    """

    accepted: re.Pattern[str] | None = None
    fired: re.Pattern[str] | None = None
    confirmed: re.Pattern[str] | None = None
    refused: re.Pattern[str] | None = None
    error: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of dialogue.

    Attributes:
        name: The file's.
        description: For a person.
        baud: Bits per second.
        newline: What ends a line we send.
        settle_s: After opening, what comes is ignored for so long.
        greeting: What the machine says when it starts; seen later, it has restarted.
        greeting_timeout_s: How long it is awaited.
        ping: Asked when it is opened, and before it is armed.
        arm: Asked when it is armed.
        stop: Said when it is stopped.
        move: The templates of a movement: 1..4 lines, written together.
        moves_s: After a movement, nothing is sent for so long.
        silent: It answers movements with nothing: "fired" means that the line was sent.
        answers: What it says of a movement.
        timeouts_s: For "accepted", "fired" and "confirmed": how long each is awaited.
    """

    name: str
    description: str
    baud: int
    newline: str
    settle_s: float
    greeting: re.Pattern[str] | None
    greeting_timeout_s: float
    ping: Question
    arm: Question
    stop: Question
    move: tuple[str, ...]
    moves_s: float
    silent: bool
    answers: Answers
    timeouts_s: Mapping[str, float]

    @property
    def needs(self) -> frozenset[str]:
        """The values that every bin has to be given."""
        names = (name for template in self.move for name in placeholders(template))
        return frozenset(names) - BUILT_IN

    def lines(
        self, command_id: int, bin_number: int, values: Mapping[str, object]
    ) -> tuple[str, ...]:
        """The lines of one movement.

        Args:
            command_id: For `{id}`.
            bin_number: For `{bin}`.
            values: For all else; with the keys `needs`.
        """
        known = {**values, "id": command_id, "bin": bin_number}
        return tuple(template.format_map(known) for template in self.move)


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with the bridge."""
    folder = resources.files("sorter_firmware_bridge.drivers") / "profiles"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_profile(name: str) -> Profile:
    """Read a profile.

    Args:
        name: One of `shipped_profiles`, or the path of a file that ends in .toml.

    Raises:
        DriverSettingsError: There is none, or it is wrong; names the file and the key.
    """
    text = _read_text(name)
    try:
        return _build(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DriverSettingsError(f"profile {name}: not a TOML file: {error}") from error


def _read_text(name: str) -> str:
    if not name.endswith(".toml"):
        if name not in shipped_profiles():
            raise DriverSettingsError(
                f"profile: found {name!r}, allowed are {', '.join(shipped_profiles())} "
                "or the path of a .toml file"
            )
        folder = resources.files("sorter_firmware_bridge.drivers") / "profiles"
        return (folder / f"{name}.toml").read_text(encoding="utf-8")
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DriverSettingsError(f"profile {name}: cannot be read: {error}") from error


def _build(name: str, found: Mapping[str, Any]) -> Profile:
    table = Table(f"profile {name}", found)
    table.check(("description", "baud", "newline", *_SECTIONS))
    opened, move, answers = table.part("open"), table.part("move"), table.part("answers")
    opened.check(("greeting", "timeout_s", "settle_s"))
    move.check(("send", "moves_s", "silent"))
    answers.check(("accepted", "fired", "confirmed", "refused", "error"))
    profile = Profile(
        name=name,
        description=table.text("description", ""),
        baud=table.whole("baud", 9600, 50, 4_000_000),
        newline=table.newline(),
        settle_s=opened.number("settle_s", 0.0, 30),
        greeting=opened.pattern("greeting"),
        greeting_timeout_s=opened.number("timeout_s", 5.0, MAX_TIMEOUT_S),
        ping=table.part("ping").question(),
        arm=table.part("arm").question(),
        stop=table.part("stop").question(),
        move=move.templates("send"),
        moves_s=move.number("moves_s", 0.3, 60),
        silent=move.truth("silent"),
        answers=Answers(**{key: answers.pattern(key) for key in answers.found}),
        timeouts_s=table.part("timeouts_s").timeouts(),
    )
    _check_answers(profile)
    return profile


def _check_answers(profile: Profile) -> None:
    answered = profile.answers.fired is not None
    if profile.silent == answered:
        raise DriverSettingsError(
            f"profile {profile.name}: expected either answers.fired, for what the machine says "
            "when it moves, or move.silent = true, for one that never answers"
        )

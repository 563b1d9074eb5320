"""A change in the text of edge.toml; what people wrote there, comments included, stays."""

from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from edge.errors import TuningError
from edge.tuning.settings import THRESHOLDS, Change

MARK = "\ufeff"
"""That editors on Windows put in front."""


def rewritten(text: str, change: Change) -> str:
    """The text with a change in it.

    Args:
        text: Of edge.toml.
        change: What is to change.

    Raises:
        TuningError: The text is no TOML that can be changed.
    """
    plain = text.removeprefix(MARK)
    try:
        document = tomlkit.parse(plain)
        for (section, key), value in _values(change):
            _put(document, section, key, value)
        written = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError) as error:
        raise TuningError(f"edge.toml cannot be changed from the page ({error})") from error
    if "\r\n" in plain and "\n" not in plain.replace("\r\n", ""):
        written = written.replace("\r\n", "\n").replace("\n", "\r\n")
    return text[: len(text) - len(plain)] + written


def lines_of(change: Change) -> str:
    """What a person would write into edge.toml for a change, in one line."""
    return "; ".join(
        f"[{section}] {_key(key)} = {_plain(value)}"
        if value is not None
        else f"[{section}] without {_key(key)}"
        for (section, key), value in _values(change)
    )


def _values(change: Change) -> list[tuple[tuple[str, str], Any]]:
    found: list[tuple[tuple[str, str], Any]] = []
    for path, number in change.numbers.items():
        section, _, key = path.partition(".")
        found.append(((section, key), number))
    found += [((THRESHOLDS, label_id), share) for label_id, share in change.thresholds.items()]
    if change.region is not None:
        region = change.region
        shares = None if region.whole else [region.x, region.y, region.width, region.height]
        found.append((("camera", "roi"), shares))
    return found


def _put(document: tomlkit.TOMLDocument, section: str, key: str, value: Any) -> None:
    if section not in document:
        if value is None:
            return
        document[section] = tomlkit.table()
    table: Any = document[section]
    if value is not None:
        table[key] = value
    elif key in table:
        del table[key]


def _key(key: str) -> str:
    return key if key.isidentifier() else f'"{key}"'


def _plain(value: Any) -> str:
    return str(tomlkit.item(value).as_string())

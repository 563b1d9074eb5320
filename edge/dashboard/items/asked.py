"""What a query asks for: filters that can stand in a link."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from edge.corrections.corrections import Corrections
from edge.decision import Reason
from edge.errors import ConfigError
from edge.journal_search import PAGE_MAX, Filters

PAGE = 40
MAX_ID = 2**53
_WHOLE = re.compile("[0-9]{1,16}")
_LABEL = re.compile(r"[\w.-]{1,40}", re.ASCII)
KEYS = ("bin", "reason", "label", "corrected", "from", "to")
_PLACES = ("before", "after", "limit")
NOT_MOVED = "none"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for.

    Attributes:
        values: Its filters as they stand in it, without those that are empty.
        filters: The same; whether they are corrected is not in them.
        before, after: Where the page begins.
        limit: Items on it.
    """

    values: Mapping[str, str]
    filters: Filters
    before: int | None = None
    after: int | None = None
    limit: int = PAGE

    @property
    def query(self) -> str:
        """The filters as the end of an address: "?bin=1", or nothing."""
        return self.link()

    def link(self, **more: int) -> str:
        """The same with more in it."""
        found = urlencode(dict(self.values) | {key: str(value) for key, value in more.items()})
        return f"?{found}" if found else ""

    def filters_with(self, corrections: Corrections) -> Filters:
        """The filters, with the ids of the corrected items where those were asked for.

        Raises:
            CorrectionsError: They cannot be read.
        """
        if self.values.get("corrected") != "yes":
            return self.filters
        ids = tuple(one.subject.item_id for one in corrections.standing())
        return replace(self.filters, among=ids)


def asked(query: Mapping[str, str]) -> Asked:
    """Read a query.

    Args:
        query: Of the request; what is empty was not given.

    Raises:
        ConfigError: A key is unknown or its value is none; says what is allowed.
    """
    given = {key: value for key, value in query.items() if value}
    for key in given:
        if key not in (*KEYS, *_PLACES):
            raise ConfigError(f"{_cut(key)}: no such filter; there are {', '.join(KEYS)}")
    bin_, reason, label = given.get("bin"), given.get("reason"), given.get("label")
    if reason is not None and reason not in list(Reason):
        raise _wrong("reason", reason, f"one of {', '.join(Reason)}")
    if label is not None and not _LABEL.fullmatch(label):
        raise _wrong("label", label, "the id of a label")
    if given.get("corrected", "yes") != "yes":
        raise _wrong("corrected", given["corrected"], '"yes", or nothing')
    filters = Filters(
        bin_number=_whole(given, "bin", 255) if bin_ != NOT_MOVED else None,
        moved=False if bin_ == NOT_MOVED else None,
        reason=reason,
        label_id=label,
        from_s=_time(given, "from"),
        to_s=_time(given, "to"),
    )
    limit = _whole(given, "limit", PAGE_MAX)
    if given.get("before") and given.get("after"):
        raise _wrong("after", given["after"], "either before or after, not both")
    return Asked(
        values={key: given[key] for key in KEYS if key in given},
        filters=filters,
        before=_whole(given, "before", MAX_ID),
        after=_whole(given, "after", MAX_ID),
        limit=PAGE if limit is None else max(1, limit),
    )


def _whole(given: Mapping[str, str], key: str, most: int) -> int | None:
    text = given.get(key)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise _wrong(key, text, f"a whole number, 0..{most}")
    return int(text)


def _time(given: Mapping[str, str], key: str) -> float | None:
    text = given.get(key)
    if text is None:
        return None
    try:
        # Without a zone it is the device's own time, as the page shows it.
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise _wrong(key, text, "a time like 2026-01-31T14:05") from None


def _wrong(key: str, found: str, allowed: str) -> ConfigError:
    return ConfigError(f"{key}: found {_cut(found)!r}; expected {allowed}")


def _cut(text: str) -> str:
    return text[:40]

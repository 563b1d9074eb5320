"""Scripts with a token, sent as `Authorization: Bearer ...`."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.access.roles import Person, Role
from edge.access.store import AccessStore
from edge.access.users import check_name, role_of
from edge.errors import AccessError

MARK = "bs_"
"""Tokens begin with it, so that scanners for lost secrets know them."""
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without what it is.

    Attributes:
        name: What it is for.
        role: What it may do.
        made_at_s: Seconds since the epoch.
    """

    name: str
    role: Role
    made_at_s: float


class Tokens:
    """The tokens of a device; only their hashes are kept.

    Args:
        store: Where.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: AccessStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def all(self) -> tuple[Token, ...]:
        """All tokens, by name."""
        rows = self._store.read("SELECT * FROM tokens ORDER BY name")
        return tuple(Token(row["name"], Role(row["role"]), row["made_at_s"]) for row in rows)

    def add(self, name: str, role: Role) -> str:
        """Make a token; it is told this once.

        Raises:
            AccessError: The name is taken, or is none.
        """
        check_name(name)
        role_of(role)
        made = MARK + secrets.token_urlsafe(_BYTES)
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM tokens WHERE name = ?", [name]).fetchone():
                raise AccessError(f"there is a token {name!r} already; remove it first")
            row = [name, role, _digest(made), self._clock()]
            db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?)", row)
        return made

    def remove(self, name: str) -> None:
        """Let a token open nothing any more.

        Raises:
            AccessError: There is no such token.
        """
        with self._store.transaction() as db:
            if not db.execute("DELETE FROM tokens WHERE name = ?", [name]).rowcount:
                raise AccessError(f"there is no token {name[:40]!r}; `tokens list` shows them")

    def check(self, token: str) -> Person | None:
        """Who sends this token; None where it is nobody's."""
        # What is looked up is a hash of 32 random bytes: its timing tells nothing about them.
        rows = self._store.read("SELECT * FROM tokens WHERE digest = ?", _digest(token))
        if not rows:
            return None
        return Person(f"token:{rows[0]['name']}", Role(rows[0]["role"]))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

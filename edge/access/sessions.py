"""Who is logged in: kept on the device, so that it can end a session at any time."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.access.roles import Person, Role
from edge.access.store import AccessStore
from edge.errors import AccessError

IDLE_S = 12 * 3600.0
WHOLE_S = 7 * 86_400.0
FRESH_S = 300.0
log = logging.getLogger(__name__)
UNWRITTEN_MOST = 100
NOTE_S = 60.0
"""How often it is written down that a session is in use."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts, in seconds.

    Attributes:
        idle_s: Without a request.
        whole_s: Whatever happens.
        fresh_s: From a password to when it is asked for again, where that matters.
    """

    idle_s: float = IDLE_S
    whole_s: float = WHOLE_S
    fresh_s: float = FRESH_S


@dataclass(frozen=True, slots=True)
class Session:
    """A session that lasts.

    Attributes:
        person: Whose it is.
        fresh: Whether the password was given within the last minutes.
    """

    person: Person
    fresh: bool


class Sessions:
    """The sessions of a device.

    Args:
        store: Where they are kept.
        limits: How long they last.
        clock: Seconds since the epoch; sessions outlive a restart.
    """

    def __init__(
        self,
        store: AccessStore,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._clock = clock
        # Of those who logged in while the disk was full: who, since which password, and when.
        self._unwritten: dict[bytes, tuple[str, float, float]] = {}

    def begin(self, user: str) -> str:
        """Begin a user's session.

        On a full disk it is kept in memory alone, and ends with the app: whoever logs in then
        may have to press STOP.

        Returns:
            Its secret, for a cookie.
        """
        try:
            return self._begin(user, None, None)
        except AccessError as error:
            log.error("a session is kept in memory only: %s", error)
            return self._begin_unwritten(user)

    def begin_participant(self, participant: str, study_id: str) -> str:
        """Begin the session of somebody who takes part in a study; its secret."""
        return self._begin(None, participant, study_id)

    def find(self, secret: str) -> Session | None:
        """The session of a secret; None where it is over, or never was.

        A clock that was set back ends no session, one that was set forward may.
        """
        now_s = self._clock()
        digest = _digest(secret)
        rows = self._store.read(
            "SELECT sessions.*, users.name, users.role FROM sessions"
            " LEFT JOIN users ON users.name = sessions.user WHERE digest = ?",
            digest,
        )
        if not rows:
            return self._find_unwritten(digest, now_s)
        row = rows[0]
        if now_s - row["seen_at_s"] > self._limits.idle_s:
            return None
        if now_s - row["begun_at_s"] > self._limits.whole_s:
            return None
        if abs(now_s - row["seen_at_s"]) > NOTE_S:
            self._note(digest, now_s)
        if row["participant"] is not None:
            person = Person(row["participant"], Role.PARTICIPANT, row["study_id"])
            return Session(person, fresh=False)
        age_s = now_s - row["proven_at_s"]
        return Session(
            Person(row["name"], Role(row["role"])), fresh=0 <= age_s <= self._limits.fresh_s
        )

    def prove(self, secret: str) -> None:
        """Note that the password was given again."""
        with self._store.transaction() as db:
            row = [self._clock(), _digest(secret)]
            db.execute("UPDATE sessions SET proven_at_s = ? WHERE digest = ?", row)

    def end(self, secret: str) -> None:
        """End a session; one that is over stays so."""
        self._unwritten.pop(_digest(secret), None)
        with self._store.transaction() as db:
            db.execute("DELETE FROM sessions WHERE digest = ?", [_digest(secret)])

    def end_all(self, user: str) -> None:
        """End every session of a user."""
        kept = {digest: row for digest, row in self._unwritten.items() if row[0] != user}
        self._unwritten = kept
        with self._store.transaction() as db:
            db.execute("DELETE FROM sessions WHERE user = ? COLLATE NOCASE", [user])

    def _note(self, digest: bytes, now_s: float) -> None:
        try:
            with self._store.transaction() as db:
                db.execute("UPDATE sessions SET seen_at_s = ? WHERE digest = ?", [now_s, digest])
        except AccessError as error:
            # A full disk must not keep anybody from STOP.
            log.error("that a session is in use is not written down: %s", error)

    def _begin_unwritten(self, user: str) -> str:
        secret = secrets.token_urlsafe(32)
        changed_at_s = self._store.read("SELECT changed_at_s FROM users WHERE name = ?", user)
        if not changed_at_s:
            raise AccessError(f"there is no user {user!r} any more")
        while len(self._unwritten) >= UNWRITTEN_MOST:
            self._unwritten.pop(next(iter(self._unwritten)))
        self._unwritten[_digest(secret)] = (user, changed_at_s[0][0], self._clock())
        return secret

    def _find_unwritten(self, digest: bytes, now_s: float) -> Session | None:
        user, changed_at_s, begun_at_s = self._unwritten.get(digest, ("", 0.0, 0.0))
        if not user or now_s - begun_at_s > self._limits.idle_s:
            return None
        # Another password, or none any more, ends it as it ends the others.
        rows = self._store.read(
            "SELECT name, role FROM users WHERE name = ? AND changed_at_s = ?", user, changed_at_s
        )
        if not rows:
            return None
        return Session(Person(rows[0]["name"], Role(rows[0]["role"])), fresh=False)

    def _begin(self, user: str | None, participant: str | None, study_id: str | None) -> str:
        secret = secrets.token_urlsafe(32)
        now_s = self._clock()
        with self._store.transaction() as db:
            db.execute(
                "DELETE FROM sessions WHERE seen_at_s < ? OR begun_at_s < ?",
                [now_s - self._limits.idle_s, now_s - self._limits.whole_s],
            )
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_digest(secret), user, participant, study_id, now_s, now_s, now_s],
            )
        return secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()

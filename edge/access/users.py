"""People with a password."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.access.passwords import check_strength, hashed, matches
from edge.access.roles import USER_ROLES, Role
from edge.access.store import AccessStore
from edge.errors import AccessError

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,31}")
MAX_USERS = 200


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in.

    Attributes:
        name: Upper and lower case are the same.
        role: What they may do.
        changed_at_s: When their password was set, in seconds since the epoch.
    """

    name: str
    role: Role
    changed_at_s: float


def check_name(name: str) -> str:
    """The name, if it may be one.

    Raises:
        AccessError: It has other characters, none, or too many.
    """
    if not NAME.fullmatch(name):
        raise AccessError(
            f"{name[:40]!r} cannot be a name; 1 to 32 letters, digits, dots, dashes and"
            " underscores are allowed, beginning with a letter or digit"
        )
    return name


def role_of(value: str) -> Role:
    """The role of a word, if a user or token can have it.

    Raises:
        AccessError: It is none.
    """
    if value not in USER_ROLES:
        raise AccessError(f"{value[:40]!r} is no role; allowed: {', '.join(USER_ROLES)}")
    return Role(value)


class Users:
    """The people of a device.

    Args:
        store: Where they are kept.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: AccessStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock

    def __len__(self) -> int:
        return int(self._store.read("SELECT count(*) FROM users")[0][0])

    def all(self) -> tuple[User, ...]:
        """Everybody, by name."""
        rows = self._store.read("SELECT * FROM users ORDER BY name")
        return tuple(User(row["name"], Role(row["role"]), row["changed_at_s"]) for row in rows)

    def find(self, name: str) -> User | None:
        """The user of a name; None where there is none."""
        return next((user for user in self.all() if user.name.lower() == name.lower()), None)

    def add(self, name: str, role: Role, password: str, *, first: bool = False) -> None:
        """Add somebody.

        Args:
            name: 1 to 32 characters.
            role: What they may do.
            password: See `check_strength`.
            first: Only if there is nobody yet.

        Raises:
            AccessError: The name is taken or no name, or the password too weak.
        """
        check_name(name)
        role_of(role)
        check_strength(name, password)
        digest = hashed(password)
        with self._store.transaction() as db:
            count = db.execute("SELECT count(*) FROM users").fetchone()[0]
            if first and count:
                raise AccessError("there is a user already; log in, or let an admin add you")
            if count >= MAX_USERS:
                raise AccessError(f"there are {count} users; {MAX_USERS} are allowed")
            if db.execute("SELECT 1 FROM users WHERE name = ?", [name]).fetchone():
                raise AccessError(f"there is a user {name!r} already; remove them first")
            row = [name, role, digest, self._clock()]
            db.execute("INSERT INTO users VALUES (?, ?, ?, ?)", row)

    def set_password(self, name: str, password: str) -> None:
        """Give somebody another password, and log them out everywhere.

        Raises:
            AccessError: There is no such user, or the password is too weak.
        """
        self._known(name)
        check_strength(name, password)
        digest = hashed(password)
        with self._store.transaction() as db:
            found = db.execute(
                "UPDATE users SET password = ?, changed_at_s = ? WHERE name = ?",
                [digest, self._clock(), name],
            )
            if not found.rowcount:
                raise AccessError(f"there is no user {name!r} any more")
            db.execute("DELETE FROM sessions WHERE user = ? COLLATE NOCASE", [name])

    def set_role(self, name: str, role: Role) -> None:
        """Let somebody do more or less, from their next request on.

        Raises:
            AccessError: There is no such user, or nobody would be admin any more.
        """
        self._known(name)
        role_of(role)
        with self._store.transaction() as db:
            db.execute("UPDATE users SET role = ? WHERE name = ?", [role, name])
            _keep_an_admin(db.execute(_ADMINS).fetchone()[0])

    def remove(self, name: str) -> None:
        """Remove somebody, who is logged out at once.

        Raises:
            AccessError: There is no such user, or nobody would be admin any more.
        """
        self._known(name)
        with self._store.transaction() as db:
            db.execute("DELETE FROM users WHERE name = ?", [name])
            if db.execute("SELECT count(*) FROM users").fetchone()[0]:
                _keep_an_admin(db.execute(_ADMINS).fetchone()[0])

    def check(self, name: str, password: str) -> User | None:
        """The user whose name and password these are; None where they are nobody's."""
        rows = self._store.read("SELECT * FROM users WHERE name = ?", name)
        known = rows[0]["password"] if rows else None
        if not matches(known, password):
            return None
        return User(rows[0]["name"], Role(rows[0]["role"]), rows[0]["changed_at_s"])

    def _known(self, name: str) -> User:
        user = self.find(name)
        if user is None:
            there = ", ".join(user.name for user in self.all()) or "none"
            raise AccessError(f"there is no user {name[:40]!r}; there are: {there}")
        return user


_ADMINS = "SELECT count(*) FROM users WHERE role = 'admin'"


def _keep_an_admin(admins: int) -> None:
    if not admins:
        raise AccessError("nobody would be admin any more; make somebody else admin first")

"""The one-time token with which the first admin is made on the page."""

import hmac
import secrets
import threading

from edge.access.roles import Role
from edge.access.users import Users
from edge.errors import AccessError

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that look like another."""
GROUPS, GROUP_LENGTH = 4, 4


class SetUp:
    """Makes the first admin, once, for who knows the token.

    The token is made anew at each start, and is only in memory.

    Args:
        users: Of the device.
    """

    def __init__(self, users: Users) -> None:
        self._users = users
        self._lock = threading.Lock()
        groups = ("".join(map(secrets.choice, [_LETTERS] * GROUP_LENGTH)) for _ in range(GROUPS))
        self._token: str | None = "-".join(groups)

    @property
    def needed(self) -> bool:
        """Whether there is nobody yet."""
        return len(self._users) == 0

    @property
    def token(self) -> str | None:
        """What to tell the person at the machine; None once it was used or there are users."""
        return self._token if self.needed else None

    def make_admin(self, token: str, name: str, password: str) -> None:
        """Make the first admin.

        Raises:
            AccessError: The token is wrong or was used, or name or password cannot be.
        """
        with self._lock:
            known = self.token
            given = token.strip().upper().encode()
            if known is None or not hmac.compare_digest(known.encode(), given):
                raise AccessError(
                    "this is not the set-up token; `bricksight-edge run` prints it when it starts"
                )
            self._users.add(name, Role.ADMIN, password, first=True)
            self._token = None

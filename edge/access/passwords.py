"""Hashes of passwords, and which passwords are too weak."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from edge.errors import AccessError

SHORTEST, LONGEST = 10, 256
FEWEST_DIFFERENT = 5
# OWASP's smallest setting of argon2id: 19 MiB, so that a guess costs a small board little memory.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODYS = _HASHER.hash("nobody has this password")


def check_strength(name: str, password: str) -> None:
    """Refuse a password that is soon guessed.

    Raises:
        AccessError: It is too short, too long, too uniform, or the name itself.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccessError(
            f"the password has {len(password)} characters; {SHORTEST} to {LONGEST} are allowed"
        )
    if any("\ud800" <= char <= "\udfff" for char in password):
        raise AccessError("the password is no text in UTF-8; type it anew, or set LANG")
    if len(set(password)) < FEWEST_DIFFERENT:
        raise AccessError(
            f"the password has fewer than {FEWEST_DIFFERENT} different characters; use a longer"
            " sentence or random ones"
        )
    if name.casefold() in password.casefold() and len(password) < len(name) + SHORTEST:
        raise AccessError("the password is little more than the name; choose another")


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its salt and settings."""
    return _HASHER.hash(password)


def matches(known: str | None, password: str) -> bool:
    """Whether a password is the one of a hash; takes as long where there is no hash.

    Args:
        known: From `hashed`; None for a user who does not exist.
        password: What somebody typed.
    """
    if len(password) > LONGEST:
        return False
    try:
        return _HASHER.verify(known or _NOBODYS, password) and known is not None
    except (VerificationError, InvalidHashError):
        return False

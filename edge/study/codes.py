"""Codes that people read, write down and type, and ids in addresses.

Letters are Crockford's 32: none looks like another, and what people mistake is put right.
"""

import hashlib
import re
import secrets

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP = 4
PERSONAL_GROUPS = 4
"""80 bits: nobody guesses somebody else's answers."""
INVITATION_GROUPS = 2
"""40 bits, the same for all who are invited, and only so many attempts."""
_MISTAKEN = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BETWEEN = re.compile(r"[\s-]+")
_ID = re.compile(r"[0-9a-f]{16}")


def new_personal_code() -> str:
    """A code by which one person comes back, as "7K2M-X9TQ-4HVC-0RNB"."""
    return _new(PERSONAL_GROUPS)


def new_invitation() -> str:
    """A code that lets people into a study, as "7K2M-X9TQ"."""
    return _new(INVITATION_GROUPS)


def new_id() -> str:
    """An id that says nothing: 16 hex digits."""
    return secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether a text may be an id."""
    return _ID.fullmatch(text) is not None


def read_code(text: str) -> str | None:
    """What somebody typed as a code is written; None where it is no code.

    Small letters, spaces and missing dashes do not matter, and O, I and L are taken for the
    digits they look like.
    """
    typed = _BETWEEN.sub("", text.upper()).translate(_MISTAKEN)
    if len(typed) not in (GROUP * PERSONAL_GROUPS, GROUP * INVITATION_GROUPS):
        return None
    return _grouped(typed) if set(typed) <= set(LETTERS) else None


def is_personal(code: str) -> bool:
    """Whether a code is of one person, not the invitation of all."""
    return code.count("-") == PERSONAL_GROUPS - 1


def digest(study_id: str, code: str) -> str:
    """What is stored of a personal code; its 80 random bits need no salt and no stretching."""
    return hashlib.sha256(f"{study_id}:{code}".encode()).hexdigest()


def _new(groups: int) -> str:
    return _grouped("".join(secrets.choice(LETTERS) for _ in range(GROUP * groups)))


def _grouped(letters: str) -> str:
    return "-".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))

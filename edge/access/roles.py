"""What somebody may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do; each of the last three may also do what those before it may.

    A viewer looks, asks for explanations and stops the machine. A technician corrects, arms and
    adjusts. An admin also changes users and the model. A participant answers the questions of one
    study and sees nothing else.
    """

    PARTICIPANT = "participant"
    VIEWER = "viewer"
    TECHNICIAN = "technician"
    ADMIN = "admin"

    def reaches(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        if Role.PARTICIPANT in (self, needed):
            return self is needed
        order = list(Role)
        return order.index(self) >= order.index(needed)


USER_ROLES = (Role.VIEWER, Role.TECHNICIAN, Role.ADMIN)
"""Those that a user or a token can have."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks.

    Attributes:
        name: Of the user, "token:NAME" of a token, or what a participant is known under.
        role: What they may do.
        study_id: A participant's study; None for everybody else.
    """

    name: str
    role: Role
    study_id: str | None = None

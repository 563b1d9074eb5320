"""What is known of a study's people, and what they said."""

from dataclasses import dataclass
from enum import StrEnum

from edge.study.plan import Familiarity


class State(StrEnum):
    """How far a study is; it never goes back, so that nobody answers who saw results."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a study stands.

    Attributes:
        state: How far it is.
        invitation: What lets people in.
        opened_at, closed_at: In UTC, ISO 8601; None before.
        participants: How many take part, without those who withdrew.
        withdrawn: How many withdrew, with everything they said.
    """

    state: State
    invitation: str
    opened_at: str | None
    closed_at: str | None
    participants: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part; nothing tells who.

    Attributes:
        id: Random.
        number: From 0; says which order and sides they see.
        familiarity: As they said before the first question.
        consented_on: The day, in UTC.
    """

    id: str
    number: int
    familiarity: Familiarity
    consented_on: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        trial: Its number, from 1.
        choice: "left" or "right", or the number of an option.
        rt_ms: Milliseconds from when the pictures were shown, by the participant's browser.
        confidence: 1..5; None where it was not said.
    """

    trial: int
    choice: str
    rt_ms: int
    confidence: int | None = None

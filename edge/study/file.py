"""A whole study as one JSON file: what was asked and what people said, without pictures."""

from typing import Annotated, Literal

from pydantic import Field

from edge.errors import StudyError
from edge.study.answers import MAX_PARTICIPANTS
from edge.study.design import trials_of
from edge.study.files import understood
from edge.study.plan import KIND, SCHEMA_VERSION, Familiarity, Id, Part, Plan
from edge.study.said import Answer, Participant, Standing, State

Moment = Annotated[str, Field(max_length=40)]
MAX_RT_MS = 3_600_000
CONFIDENCES = range(1, 6)
Said = tuple[tuple[Participant, tuple[Answer, ...]], ...]


class AnswerPart(Part):
    """See `edge.study.answers.Answer`."""

    trial: Annotated[int, Field(ge=1)]
    choice: Annotated[str, Field(max_length=10)]
    rt_ms: Annotated[int, Field(ge=0, le=MAX_RT_MS)]
    confidence: Annotated[int, Field(ge=1, le=5)] | None = None


class Person(Part):
    """See `edge.study.answers.Participant`."""

    id: Id
    number: Annotated[int, Field(ge=0, lt=MAX_PARTICIPANTS)]
    familiarity: Familiarity
    consented_on: Moment
    answers: tuple[AnswerPart, ...]


class StudyFile(Part):
    """A closed study.

    Attributes:
        plan: What it asked.
        opened_at, closed_at: In UTC, ISO 8601.
        withdrawn: How many withdrew.
        people: Who took part, as they came, and what they said.
    """

    kind: Literal["bricksight-study"] = KIND
    schema_version: Literal[1] = SCHEMA_VERSION
    plan: Plan
    opened_at: Moment | None
    closed_at: Moment | None
    withdrawn: Annotated[int, Field(ge=0)]
    people: Annotated[tuple[Person, ...], Field(max_length=MAX_PARTICIPANTS)]

    @classmethod
    def of(cls, plan: Plan, standing: Standing, said: Said) -> "StudyFile":
        """The file of a study."""
        people = tuple(
            Person(
                id=person.id,
                number=person.number,
                familiarity=person.familiarity,
                consented_on=person.consented_on,
                answers=tuple(
                    AnswerPart(
                        trial=a.trial, choice=a.choice, rt_ms=a.rt_ms, confidence=a.confidence
                    )
                    for a in answers
                ),
            )
            for person, answers in said
        )
        return cls(
            plan=plan,
            opened_at=standing.opened_at,
            closed_at=standing.closed_at,
            withdrawn=standing.withdrawn,
            people=people,
        )

    @property
    def standing(self) -> Standing:
        """How the study stands where the file is read."""
        people = len(self.people)
        moments = self.opened_at, self.closed_at
        return Standing(State.CLOSED, "", *moments, people, self.withdrawn)

    @property
    def said(self) -> Said:
        """Participants as they came, each with what they said."""
        return tuple(
            (
                Participant(p.id, p.number, p.familiarity, p.consented_on),
                tuple(Answer(a.trial, a.choice, a.rt_ms, a.confidence) for a in p.answers),
            )
            for p in sorted(self.people, key=lambda p: p.number)
        )


def read_study_file(text: str, name: str) -> StudyFile:
    """Read what a device exported.

    Args:
        text: JSON.
        name: What a message calls it.

    Raises:
        StudyError: It is no such file, or its answers are not to its own questions.
    """
    file = understood(text, StudyFile, name)
    for values in ([p.id for p in file.people], [p.number for p in file.people]):
        if len(set(values)) < len(values):
            raise StudyError(f"{name}: people: two have the same id or number; it was changed")
    for person in file.people:
        _check(name, file.plan, person)
    return file


def _check(name: str, plan: Plan, person: Person) -> None:
    trials = trials_of(plan, person.number)
    for place, answer in enumerate(person.answers, start=1):
        # Questions are answered one after the other.
        asked = answer.trial == place <= len(trials)
        if not asked or answer.choice not in trials[place - 1].choices:
            raise StudyError(
                f"{name}: participant {person.id}: found answer {answer.choice!r} to question"
                f" {answer.trial}, which was not asked that way; give a file as it was exported"
            )

"""One participant of a study: their next question, and what they answer."""

import hashlib
from dataclasses import dataclass

from edge.errors import StudyConflict, StudyError
from edge.study.design import Kind, Trial, trials_of
from edge.study.file import CONFIDENCES, MAX_RT_MS
from edge.study.plan import Asked
from edge.study.said import Answer, Participant, State
from edge.study.study import Study

TRUST = "Which of the two pictures makes you trust the system more?"
WHERE = "Which of the two pictures better shows where the brick is: {name} ({id})?"
CATCH_WHERE = "Which of the two pictures better shows where the brick is?"
POINTS_TO = "Which of these bricks does this picture point to?"


@dataclass(frozen=True, slots=True)
class Question:
    """What a participant is asked; nothing in it tells a method.

    Attributes:
        number: From 1.
        of: How many there are.
        key: Sent back with the answer: which participant was asked this.
        text: The question.
        picture: SHA-256 of the plain picture.
        shown: Of the maps: two to choose from, or one with options.
        options: Names of bricks to choose from.
        choices: What may be answered.
        ask_confidence: Whether how sure they are is asked then.
    """

    number: int
    of: int
    key: str
    text: str
    picture: str
    shown: tuple[str, ...]
    options: tuple[str, ...]
    choices: tuple[str, ...]
    ask_confidence: bool


class Sitting:
    """One participant answering one study.

    Args:
        study: The study.
        participant_id: Who.

    Raises:
        StudyUnknown: There is no such participant any more.
    """

    def __init__(self, study: Study, participant_id: str) -> None:
        self.study = study
        self.participant: Participant = study.book.participant(participant_id)
        self._trials = trials_of(study.plan, self.participant.number)

    @property
    def answered(self) -> int:
        """How many questions they answered."""
        return len(self.study.book.answers(self.participant.id))

    def next(self) -> Question | None:
        """What to ask next; None after the last.

        Raises:
            StudyConflict: The study is not open.
        """
        answered = self.answered
        if answered >= len(self._trials):
            return None
        if self.study.book.standing().state is State.CLOSED:
            raise StudyConflict("this study is closed; thank you, what you said is kept")
        return self._question(self._trials[answered])

    def upcoming(self) -> tuple[str, ...]:
        """SHA-256 of the pictures of the question after the next, to fetch them early."""
        after = self._trials[self.answered + 1 : self.answered + 2]
        return tuple(sha for trial in after for sha in (trial.picture, *trial.shown))

    def answer(self, number: int, key: str, choice: str, rt_ms: int) -> Answer:
        """Take an answer to a question.

        Returns:
            What stands, which is what was said first.

        Raises:
            StudyError: There is no such question or choice.
            StudyConflict: It was asked of somebody else, is not asked yet, or the study is closed.
        """
        trial = self._asked(number, key)
        if choice not in trial.choices:
            raise StudyError(f"choice: found {choice[:20]!r}, allowed {', '.join(trial.choices)}")
        # Whoever went for lunch in between took at least this long.
        held = min(max(rt_ms, 0), MAX_RT_MS)
        return self.study.book.answer(self.participant.id, Answer(number, choice, held))

    def say_confidence(self, number: int, key: str, confidence: int) -> None:
        """Note how sure they were, 1..5; see `answer` for what may be wrong."""
        self._asked(number, key)
        if confidence not in CONFIDENCES:
            raise StudyError(f"confidence: found {confidence}, allowed 1..5")
        self.study.book.say_confidence(self.participant.id, number, confidence)

    def _asked(self, number: int, key: str) -> Trial:
        if not 1 <= number <= len(self._trials):
            raise StudyError(f"trial: found {number}, allowed 1..{len(self._trials)}")
        if key != self._key(number):
            raise StudyConflict(
                "this question was asked of another participant; reload the page and go on there"
            )
        return self._trials[number - 1]

    def _question(self, trial: Trial) -> Question:
        return Question(
            number=trial.number,
            of=len(self._trials),
            key=self._key(trial.number),
            text=self._text(trial),
            picture=trial.picture,
            shown=trial.shown,
            options=tuple(brick.name for brick in trial.options),
            choices=trial.choices,
            ask_confidence=self.study.plan.ask_confidence,
        )

    def _text(self, trial: Trial) -> str:
        if trial.kind is Kind.OBJECTIVE:
            return POINTS_TO
        if self.study.plan.asked is Asked.TRUST:
            return TRUST
        if trial.item is None:
            return CATCH_WHERE
        return WHERE.format(name=trial.item.brick.name, id=trial.item.brick.id)

    def _key(self, number: int) -> str:
        named = f"{self.study.id}:{self.participant.id}:{number}"
        return hashlib.sha256(named.encode()).hexdigest()[:16]

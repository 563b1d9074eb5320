"""What people said in one study: an SQLite file, written by many threads, one at a time."""

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from edge.errors import StudyConflict, StudyUnknown
from edge.study.answers_file import SCHEMA, opened, whole
from edge.study.codes import digest, new_id, new_invitation, new_personal_code
from edge.study.plan import Familiarity
from edge.study.said import Answer, Participant, Standing, State

MAX_PARTICIPANTS = 1000


class AnswerBook:
    """The answers of one study. Safe for many threads and processes: each act is a transaction.

    Args:
        path: The file; made by `begin`.
        study_id: Of the study.
    """

    def __init__(self, path: Path, study_id: str) -> None:
        self._path, self._study_id = path, study_id

    def begin(self) -> None:
        """Make the file, of a draft with a new invitation."""
        with self._open(create=True) as db:
            db.executescript(SCHEMA)
            values = (State.DRAFT, new_invitation())
            db.execute("INSERT INTO study (one, state, invitation) VALUES (1, ?, ?)", values)

    def standing(self) -> Standing:
        """How the study stands."""
        with self._open() as db:
            row = db.execute("SELECT * FROM study").fetchone()
            count = db.execute("SELECT count(*) FROM participants").fetchone()[0]
        return Standing(
            State(row["state"]),
            row["invitation"],
            row["opened_at"],
            row["closed_at"],
            count,
            row["withdrawn"],
        )

    def open(self, now: str) -> None:
        """Let people in.

        Raises:
            StudyConflict: It is no draft any more.
        """
        self._advance(State.DRAFT, State.OPEN, "opened_at", now)

    def close(self, now: str) -> None:
        """End it, for good: from now on there are results, and no more answers.

        Raises:
            StudyConflict: It is not open.
        """
        self._advance(State.OPEN, State.CLOSED, "closed_at", now)

    def join(self, familiarity: Familiarity, today: str) -> tuple[Participant, str]:
        """Let somebody take part, who agreed.

        Returns:
            The participant, and the code by which they come back; only its hash is stored.

        Raises:
            StudyConflict: The study is not open, or full.
        """
        code = new_personal_code()
        with self._open() as db, whole(db):
            _check_open(db)
            numbers = {row["number"] for row in db.execute("SELECT number FROM participants")}
            if len(numbers) >= MAX_PARTICIPANTS:
                raise StudyConflict(f"this study is full: it has {MAX_PARTICIPANTS} participants")
            # The place of somebody who withdrew is taken again, which keeps the sides balanced.
            number = min(set(range(len(numbers) + 1)) - numbers)
            found = Participant(new_id(), number, familiarity, today)
            row = found.id, number, digest(self._study_id, code), familiarity, today
            db.execute("INSERT INTO participants VALUES (?, ?, ?, ?, ?)", row)
        return found, code

    def by_code(self, code: str) -> Participant | None:
        """Who has a personal code; None where nobody has it."""
        with self._open() as db:
            wanted = [digest(self._study_id, code)]
            row = db.execute("SELECT * FROM participants WHERE code = ?", wanted).fetchone()
        return _participant(row) if row is not None else None

    def participant(self, participant_id: str) -> Participant:
        """A participant by their id.

        Raises:
            StudyUnknown: There is none, or they withdrew.
        """
        with self._open() as db:
            return _known(db, participant_id)

    def answer(self, participant_id: str, answer: Answer) -> Answer:
        """Take an answer; it is on the disk when this returns.

        Args:
            participant_id: Who answers.
            answer: What they say; questions are answered one after the other.

        Returns:
            What stands: the first answer to that question, this one or one before.

        Raises:
            StudyUnknown: There is no such participant.
            StudyConflict: The study is not open, or that question was not asked yet.
        """
        with self._open() as db, whole(db):
            _known(db, participant_id)
            _check_open(db)
            before = db.execute(
                "SELECT * FROM answers WHERE participant = ? AND trial = ?",
                (participant_id, answer.trial),
            ).fetchone()
            if before is not None:
                return _answer(before)
            said = "SELECT count(*) FROM answers WHERE participant = ?"
            asked = db.execute(said, [participant_id]).fetchone()[0] + 1
            if answer.trial != asked:
                raise StudyConflict(
                    f"question {answer.trial} is not asked yet; the next one is {asked}"
                )
            row = participant_id, answer.trial, answer.choice, answer.rt_ms, answer.confidence
            db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", row)
        return answer

    def say_confidence(self, participant_id: str, trial: int, confidence: int) -> None:
        """Note how sure somebody was of an answer; what was said first stays.

        Raises:
            StudyUnknown: There is no such participant.
            StudyConflict: The study is not open, or that question has no answer yet.
        """
        with self._open() as db, whole(db):
            _known(db, participant_id)
            _check_open(db)
            found = db.execute(
                "UPDATE answers SET confidence = COALESCE(confidence, ?)"
                " WHERE participant = ? AND trial = ?",
                (confidence, participant_id, trial),
            )
            if found.rowcount == 0:
                raise StudyConflict(f"question {trial} has no answer yet; answer it first")

    def answers(self, participant_id: str) -> tuple[Answer, ...]:
        """What a participant said, in the order of the questions."""
        with self._open() as db:
            rows = db.execute(
                "SELECT * FROM answers WHERE participant = ? ORDER BY trial", [participant_id]
            )
            return tuple(map(_answer, rows))

    def everything(self) -> tuple[tuple[Participant, tuple[Answer, ...]], ...]:
        """All participants, as they came, each with what they said; of one moment."""
        with self._open() as db, whole(db):
            people = db.execute("SELECT * FROM participants ORDER BY number").fetchall()
            rows = db.execute("SELECT * FROM answers ORDER BY participant, trial").fetchall()
        said: dict[str, list[Answer]] = {row["id"]: [] for row in people}
        for row in rows:
            said[row["participant"]].append(_answer(row))
        return tuple((_participant(row), tuple(said[row["id"]])) for row in people)

    def withdraw(self, participant_id: str) -> None:
        """Delete a participant and all they said, from the file too; only a count stays.

        Raises:
            StudyUnknown: There is no such participant.
        """
        with self._open() as db, whole(db):
            _known(db, participant_id)
            db.execute("DELETE FROM participants WHERE id = ?", [participant_id])
            db.execute("UPDATE study SET withdrawn = withdrawn + 1")

    def fill(
        self, said: tuple[tuple[Participant, tuple[Answer, ...]], ...], standing: Standing
    ) -> None:
        """Take over the answers of a study that was conducted elsewhere; nobody can come back."""
        with self._open() as db, whole(db):
            values = standing.state, standing.opened_at, standing.closed_at, standing.withdrawn
            db.execute(
                "UPDATE study SET state = ?, opened_at = ?, closed_at = ?, withdrawn = ?", values
            )
            for person, answers in said:
                row = person.id, person.number, f"elsewhere {person.id}"
                db.execute(
                    "INSERT INTO participants VALUES (?, ?, ?, ?, ?)",
                    (*row, person.familiarity, person.consented_on),
                )
                db.executemany(
                    "INSERT INTO answers VALUES (?, ?, ?, ?, ?)",
                    [(person.id, a.trial, a.choice, a.rt_ms, a.confidence) for a in answers],
                )

    def _advance(self, before: State, after: State, when: str, now: str) -> None:
        with self._open() as db, whole(db):
            found = State(db.execute("SELECT state FROM study").fetchone()["state"])
            if found is not before:
                raise StudyConflict(
                    f"this study is {found}; only one that is {before} can be {after}"
                )
            db.execute(f"UPDATE study SET state = ?, {when} = ?", (after, now))

    def _open(self, create: bool = False) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self._path, create)


def _check_open(db: sqlite3.Connection) -> None:
    state = State(db.execute("SELECT state FROM study").fetchone()["state"])
    if state is State.CLOSED:
        raise StudyConflict("this study is closed and takes no more answers; what you said is kept")
    if state is State.DRAFT:
        raise StudyConflict("this study is not open yet; ask whoever invited you")


def _known(db: sqlite3.Connection, participant_id: str) -> Participant:
    row = db.execute("SELECT * FROM participants WHERE id = ?", [participant_id]).fetchone()
    if row is None:
        raise StudyUnknown("there is no such participant; whoever withdrew was deleted")
    return _participant(row)


def _participant(row: sqlite3.Row) -> Participant:
    familiarity = Familiarity(row["familiarity"])
    return Participant(row["id"], row["number"], familiarity, row["consented_on"])


def _answer(row: sqlite3.Row) -> Answer:
    return Answer(row["trial"], row["choice"], row["rt_ms"], row["confidence"])

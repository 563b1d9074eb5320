"""Answers as rows, each with what it means; and as tidy CSV."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields

from edge.errors import StudyError
from edge.study.design import RIGHT, Kind, trials_of
from edge.study.file import StudyFile
from edge.study.plan import Familiarity, Method

NEEDED = ("participant", "choice")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|")
"""What a spreadsheet may take for the begin of a formula."""
_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")


@dataclass(frozen=True, slots=True)
class Row:
    """One answer; its fields are the columns of the tidy CSV.

    Attributes:
        study: Id of the study.
        participant: Random id.
        familiarity: "" where it is not known.
        trial: Number of the question, from 1.
        item: Id of the item; "" for the catch.
        picture_sha256, left_sha256, right_sha256: Of the files that were shown.
        left, right: What stood there: a method, or a place of the catch. In the objective block
            `left` is the method, and `right` is "".
        choice: What was chosen: a method, a place of the catch, or the id of a brick.
        rt_ms: Milliseconds.
        confidence: 1..5; None where it was not said.
        repeat, catch, objective: Whether it was such a question.
        correct: The right answer; "" where there is none.
    """

    study: str
    participant: str
    familiarity: str
    trial: int
    item: str
    picture_sha256: str
    left_sha256: str
    right_sha256: str
    left: str
    right: str
    choice: str
    rt_ms: int | None
    confidence: int | None
    repeat: bool
    catch: bool
    objective: bool
    correct: str

    @property
    def counts(self) -> bool:
        """Whether it is a first answer to which of two methods."""
        return not (self.repeat or self.catch or self.objective)


HEADER = tuple(field.name for field in fields(Row))


def rows_of(file: StudyFile) -> tuple[Row, ...]:
    """All answers of a study, by participant and question."""
    return tuple(
        Row(
            study=file.plan.id,
            participant=person.id,
            familiarity=person.familiarity,
            trial=trial.number,
            item=trial.item.id if trial.item else "",
            picture_sha256=trial.picture,
            left_sha256=trial.shown[0],
            right_sha256=_second(trial.shown),
            left=trial.contents[0],
            right=_second(trial.contents),
            choice=trial.meaning(answer.choice),
            rt_ms=answer.rt_ms,
            confidence=answer.confidence,
            repeat=trial.kind is Kind.REPEAT,
            catch=trial.kind is Kind.CATCH,
            objective=trial.kind is Kind.OBJECTIVE,
            correct=trial.correct or "",
        )
        for person, answers in file.said
        for trial, answer in zip(trials_of(file.plan, person.number), answers, strict=False)
    )


def as_csv(rows: tuple[Row, ...]) -> str:
    """Rows as tidy CSV; text that a spreadsheet would take for a formula has a ' in front."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows([_cell(value) for value in astuple(row)] for row in rows)
    return text.getvalue()


def from_csv(text: str, name: str) -> tuple[Row, ...]:
    """Rows of a CSV file, ours or one made by hand.

    Args:
        text: With a header; `NEEDED` columns are enough, and the others of `HEADER` are read
            where they are there. `choice` is "grad-cam" or "lime".
        name: What a message calls it.

    Raises:
        StudyError: A column is missing, or a value is none that is allowed; it names the line.
    """
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = [column.strip() for column in table.fieldnames or ()]
        table.fieldnames = header
        missing = [column for column in NEEDED if column not in header]
        if missing:
            raise StudyError(
                f"{name}: found columns {', '.join(header)[:200] or 'none'}; {missing[0]!r} is"
                f" missing. {' and '.join(NEEDED)} are needed; {', '.join(HEADER)} are known"
            )
        found = tuple(_row(values, f"{name}, line {table.line_num}") for values in table)
    except csv.Error as error:
        raise StudyError(f"{name}, line {table.line_num}: this is no CSV ({error})") from error
    if not found:
        raise StudyError(f"{name}: found a header and no answers")
    numbered = Counter((row.participant, row.trial) for row in found if row.trial)
    for (participant, trial), times in numbered.items():
        if times > 1:
            raise StudyError(
                f"{name}: participant {participant[:40]!r}: found {times} answers to trial {trial};"
                " one is allowed"
            )
    return found


def _row(values: Mapping[str | None, str | None], where: str) -> Row:
    def of(column: str) -> str:
        return (values.get(column) or "").strip().removeprefix("'")

    catch, objective = (_flag(of(column), column, where) for column in ("catch", "objective"))
    choice = of("choice")
    if not (catch or objective) and choice not in tuple(Method):
        raise StudyError(f"{where}: choice: found {choice[:40]!r}, allowed {' or '.join(Method)}")
    familiarity = of("familiarity")
    if familiarity and familiarity not in tuple(Familiarity):
        raise StudyError(
            f"{where}: familiarity: found {familiarity[:40]!r}, allowed {', '.join(Familiarity)}"
        )
    if not of("participant"):
        raise StudyError(f"{where}: participant: found nothing; each answer is somebody's")
    return Row(
        **{column: of(column) for column in HEADER if Row.__annotations__[column] is str},
        trial=_number(of("trial"), "trial", where) or 0,
        rt_ms=_number(of("rt_ms"), "rt_ms", where),
        confidence=_number(of("confidence"), "confidence", where),
        repeat=_flag(of("repeat"), "repeat", where),
        catch=catch,
        objective=objective,
    )


def passed(row: Row) -> bool:
    """Whether the right answer was given to a question that has one."""
    return row.choice == (row.correct or RIGHT)


def _second(pair: tuple[str, ...]) -> str:
    return pair[1] if len(pair) > 1 else ""


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _flag(text: str, column: str, where: str) -> bool:
    if text.lower() not in _YES + _NO:
        raise StudyError(f"{where}: {column}: found {text[:40]!r}, allowed 0 or 1")
    return text.lower() in _YES


def _number(text: str, column: str, where: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise StudyError(f"{where}: {column}: found {text[:40]!r}, allowed a whole number")
    return int(text)

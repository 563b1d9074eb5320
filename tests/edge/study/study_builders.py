"""Studies without a model, and people who answer them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.study.answers import AnswerBook
from edge.study.conducting import Sitting
from edge.study.design import Kind, Trial, trials_of
from edge.study.drawing import catch_pictures, draw_evidence, encode
from edge.study.files import write_atomically
from edge.study.plan import Brick, Catch, Familiarity, Item, Method, Plan
from edge.study.said import Participant
from edge.study.studies import Studies
from edge.study.study import ANSWERS, PLAN, Study, picture_path

MODEL = "ab" * 32
NOW = "2026-03-01T10:00:00+00:00"
TODAY = "2026-03-01"
Chooser = Callable[[Participant, Trial], str]
"""What somebody chooses, as `Trial.meaning` says it."""


def brick(number: int) -> Brick:
    return Brick(id=f"30{number:02d}", name=f"Brick {number}x{number}")


def plan(count: int = 10, seed: int = 7, study_id: str = "00" * 8, **values: object) -> Plan:
    """A plan whose pictures are named and not there."""
    items = tuple(
        Item(
            id=f"i{number:02d}",
            source=f"item {number}",
            brick=brick(number),
            confidence=0.5,
            picture=_sha(number, 0),
            maps={Method.GRAD_CAM: _sha(number, 1), Method.LIME: _sha(number, 2)},
            others=tuple(brick(number + other) for other in (60, 70, 80)),
        )
        for number in range(1, count + 1)
    )
    catch = Catch(picture=_sha(99, 0), right=_sha(99, 1), wrong=_sha(99, 2))
    made = Plan(
        id=study_id,
        title="Which picture do you trust?",
        seed=seed,
        created_at=NOW,
        model_sha256=MODEL,
        items=items,
        catch=catch,
    )
    return made.model_copy(update=values)


def make(studies: Studies, count: int = 6, **values: object) -> Study:
    """A draft with pictures."""
    folder = studies.new_folder()

    def keep(picture: NDArray[np.uint8]) -> str:
        import hashlib

        data = encode(picture)
        sha256 = hashlib.sha256(data).hexdigest()
        picture_path(folder, sha256).write_bytes(data)
        return sha256

    made = plan(count, study_id=folder.name, **values)
    items = tuple(
        item.model_copy(
            update={
                "picture": keep(scene(number)),
                "maps": {
                    Method.GRAD_CAM: keep(draw_evidence(scene(number), spot(number, 9.0))),
                    Method.LIME: keep(draw_evidence(scene(number), spot(number, 14.0))),
                },
            }
        )
        for number, item in enumerate(made.items)
    )
    plain, right, wrong = map(keep, catch_pictures())
    catch = Catch(picture=plain, right=right, wrong=wrong)
    made = made.model_copy(update={"items": items, "catch": catch})
    AnswerBook(folder / ANSWERS, made.id).begin()
    write_atomically(folder / PLAN, made.model_dump_json())
    return Study(folder)


def scene(number: int) -> NDArray[np.uint8]:
    """Bricks somewhere."""
    random = np.random.default_rng(number)
    picture = np.full((90, 120, 3), (200, 195, 185), np.uint8)
    for _ in range(4):
        x, y = (int(value) for value in random.integers(5, (95, 70)))
        colour = tuple(int(value) for value in random.integers(20, 230, 3))
        cv2.rectangle(picture, (x, y), (x + 22, y + 14), colour, -1)
    return picture


def spot(number: int, width: float) -> NDArray[np.float32]:
    y, x = np.mgrid[0:90, 0:120].astype(np.float32)
    return np.exp(-((x - 20 - 8 * number) ** 2 + (y - 45) ** 2) / width**2).astype(np.float32)


def conduct(study: Study, people: int, choose: Chooser, questions: int | None = None) -> None:
    """Let people answer an open study, the first `questions` each.

    `choose` says what each chooses of a first or repeated question; the catch is passed and the
    objective block answered right.
    """
    levels = list(Familiarity)
    for place in range(people):
        person, _ = study.book.join(levels[place % len(levels)], TODAY)
        answer(study, person, choose, questions)


def answer(
    study: Study, person: Participant, choose: Chooser, questions: int | None = None
) -> None:
    sitting = Sitting(study, person.id)
    for trial in trials_of(study.plan, person.number)[:questions]:
        wanted = trial.correct or choose(person, trial)
        asked = sitting.next()
        assert asked is not None
        assert asked.number == trial.number
        choice = next(choice for choice in trial.choices if trial.meaning(choice) == wanted)
        sitting.answer(asked.number, asked.key, choice, 1500)


def always(method: Method) -> Chooser:
    return lambda person, trial: method


def first_of(trials: Iterable[Trial]) -> list[Trial]:
    """The questions that count."""
    return [trial for trial in trials if trial.kind is Kind.CHOICE]


def _sha(number: int, part: int) -> str:
    return f"{number:02d}{part}".ljust(64, "f")


def studies_in(folder: Path) -> Studies:
    return Studies(folder / "studies")

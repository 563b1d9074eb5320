"""What a closed study found, for its page."""

from dataclasses import dataclass

from edge.study import sentences
from edge.study.analysis import Analysis, Reading, analyse
from edge.study.file import StudyFile
from edge.study.intervals import Interval
from edge.study.plan import Method, Plan
from edge.study.rows import rows_of


@dataclass(frozen=True, slots=True)
class Block:
    """One reading of some people's answers.

    Attributes:
        title: Whose.
        readings: Name, what was counted, and p.
        intervals: Name, words, and both ends in percent, to draw.
        share: Of Grad-CAM, in percent.
        effect: The design effect in words.
    """

    title: str
    readings: tuple[tuple[str, str, str], ...]
    intervals: tuple[tuple[str, str, float, float], ...]
    share: float
    effect: str


@dataclass(frozen=True, slots=True)
class Level:
    """One level of familiarity.

    Attributes:
        name: As people read it.
        people: How many.
        percent: Of all people, whole.
        hits, answers: For Grad-CAM, of all.
    """

    name: str
    people: int
    percent: int
    hits: int
    answers: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture and what was chosen on it.

    Attributes:
        picture, gradcam, lime: SHA-256 of the files.
        brick: What was explained.
        hits, answers: For Grad-CAM, of all.
    """

    picture: str
    gradcam: str
    lime: str
    brick: str
    hits: int
    answers: int


@dataclass(frozen=True, slots=True)
class Results:
    """What the page of a closed study shows.

    Attributes:
        verdict: The primary result in one sentence.
        blocks: Each reading; empty without answers.
        levels: The familiarity chart.
        items: The pictures.
        objective: A sentence for each method.
        notes: What else to know.
    """

    verdict: str
    blocks: tuple[Block, ...]
    levels: tuple[Level, ...]
    items: tuple[Shown, ...]
    objective: tuple[str, ...]
    notes: tuple[str, ...]


def results_of(file: StudyFile) -> Results:
    """Analyse a study for its page."""
    found = analyse(rows_of(file), len(file.plan.items))
    named = (
        ("Everybody who counts", found.reading),
        ("Without those who failed the catch", found.without_failed),
        ("With those who did not finish", found.with_unfinished),
    )
    return Results(
        verdict=sentences.verdict(found.reading) if found.reading else "Nobody answered.",
        blocks=tuple(_block(title, reading) for title, reading in named if reading),
        levels=_levels(found),
        items=_items(found, file.plan),
        objective=tuple(map(sentences.objective, found.objective)),
        notes=tuple(sentences.notes(found)),
    )


def _block(title: str, reading: Reading) -> Block:
    share = reading.share
    drawn: tuple[Interval, ...] = (
        share.wilson_people,
        share.clopper_pearson_people,
        share.wilson,
        share.clopper_pearson,
    )
    words = sentences.intervals(share)
    return Block(
        title,
        sentences.readings(reading),
        tuple(
            (name, text, 100 * interval.low, 100 * interval.high)
            for (name, text), interval in zip(words, drawn, strict=True)
        ),
        100 * share.share,
        sentences.design_effect(share),
    )


def _levels(found: Analysis) -> tuple[Level, ...]:
    everybody = sum(stratum.people for stratum in found.strata)
    return tuple(
        Level(
            sentences.level(stratum.familiarity),
            stratum.people,
            round(100 * stratum.people / everybody) if everybody else 0,
            stratum.hits,
            stratum.answers,
        )
        for stratum in found.strata
    )


def _items(found: Analysis, plan: Plan) -> tuple[Shown, ...]:
    counted = {item: (hits, answers) for item, hits, answers in found.items}
    return tuple(
        Shown(
            item.picture,
            item.maps[Method.GRAD_CAM],
            item.maps[Method.LIME],
            item.brick.name,
            *counted.get(item.id, (0, 0)),
        )
        for item in plan.items
    )

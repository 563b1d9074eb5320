"""What the answers of a study say.

Primary: whether people prefer a method, by an exact sign-flip test of each person's share, because
answers of the same person are no independent answers. The other readings stand beside it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median_low

from edge.study.exact import SignFlip, binomial_above, binomial_two_sided, sign_flip
from edge.study.intervals import (
    Clustering,
    Interval,
    clopper_pearson,
    clustering,
    wilson,
)
from edge.study.plan import OPTIONS, Familiarity, Method
from edge.study.rows import Row, passed

CHANCE = Fraction(1, OPTIONS)
"""Of a guess in the objective block."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of answers, with 95 % intervals.

    Attributes:
        hits: How many.
        answers: Of how many.
        wilson, clopper_pearson: As if all answers were independent.
        cluster: How alike the answers of one person are.
        wilson_people, clopper_pearson_people: For as many answers as all of them are worth.
    """

    hits: int
    answers: int
    wilson: Interval
    clopper_pearson: Interval
    cluster: Clustering
    wilson_people: Interval
    clopper_pearson_people: Interval

    @property
    def share(self) -> float:
        """0..1."""
        return self.hits / self.answers


@dataclass(frozen=True, slots=True)
class Reading:
    """What some people's first answers say of Grad-CAM against LIME.

    Attributes:
        test: The primary test, by person.
        share: Of Grad-CAM among all answers.
        pooled_p: Two-sided, as if all answers were independent.
        people_for, people_against, people_even: Who chose Grad-CAM more often, less, as often.
        people_p: Two-sided, of those for against those against.
    """

    test: SignFlip
    share: Share
    pooled_p: float
    people_for: int
    people_against: int
    people_even: int
    people_p: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """What people of one level of familiarity chose; counts only.

    Attributes:
        familiarity: None where they did not say.
        people: How many.
        hits: Answers for Grad-CAM.
        answers: All of them.
    """

    familiarity: Familiarity | None
    people: int
    hits: int
    answers: int


@dataclass(frozen=True, slots=True)
class Known:
    """Answers to questions that have a right one, of one method.

    Attributes:
        method: Whose maps.
        share: Of right answers.
        chance: Of a guess.
        p: One-sided, against a guess, as if all answers were independent.
    """

    method: Method
    share: Share
    chance: float
    p: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a study found.

    Attributes:
        people: How many gave an answer that counts.
        finished: How many answered all questions that count.
        reading: Of those who finished; of everybody where nobody finished; None without answers.
        without_failed: The same without who failed the catch; None where nobody did, or nobody
            is left.
        with_unfinished: The same with everybody; None where all finished.
        strata: By familiarity; of those in `reading`.
        items: Answers for Grad-CAM and all answers, by item.
        left: Answers for what was on the left; (0, 0) where it is not known.
        repeats: Questions asked twice that were answered the same, and how many were.
        catch: Passed, and how many were asked.
        failed: Ids of who failed the catch.
        objective: Of each method; empty without that block.
        median_rt_ms: Of the answers that count; None where it is not known.
    """

    people: int
    finished: int
    reading: Reading | None
    without_failed: Reading | None
    with_unfinished: Reading | None
    strata: tuple[Stratum, ...]
    items: tuple[tuple[str, int, int], ...]
    left: tuple[int, int]
    repeats: tuple[int, int]
    catch: tuple[int, int]
    failed: tuple[str, ...]
    objective: tuple[Known, ...]
    median_rt_ms: int | None


def analyse(rows: Sequence[Row], asked: int | None = None) -> Analysis:
    """Say what answers say.

    Args:
        rows: Of one study.
        asked: Questions that count for each person; None for as many as the busiest answered.
    """
    first = _by_person(row for row in rows if row.counts)
    wanted = asked if asked is not None else max(map(len, first.values()), default=0)
    finished = {name: mine for name, mine in first.items() if len(mine) >= wanted}
    catches = [row for row in rows if row.catch]
    failed = tuple(sorted({row.participant for row in catches if not passed(row)}))
    chosen = finished or first
    kept = {name: mine for name, mine in chosen.items() if name not in failed}
    counted = [row for mine in chosen.values() for row in mine]
    times = [row.rt_ms for row in counted if row.rt_ms is not None]
    return Analysis(
        people=len(first),
        finished=len(finished),
        reading=_reading(chosen),
        without_failed=_reading(kept) if len(kept) < len(chosen) else None,
        with_unfinished=_reading(first) if len(first) > len(chosen) else None,
        strata=_strata(chosen),
        items=_items(counted),
        left=_left(counted),
        repeats=_repeats(rows),
        catch=(sum(map(passed, catches)), len(catches)),
        failed=failed,
        objective=_objective([row for row in rows if row.objective]),
        median_rt_ms=median_low(times) if times else None,
    )


def share_of(groups: Sequence[tuple[int, int]]) -> Share:
    """A share over people.

    Args:
        groups: Hits and answers of each person; at least one, none without answers.
    """
    hits, answers = (sum(values) for values in zip(*groups, strict=True))
    cluster = clustering(groups)
    share, worth = hits / answers, cluster.worth
    return Share(
        hits,
        answers,
        wilson(share, answers),
        clopper_pearson(hits, answers),
        cluster,
        wilson(share, worth),
        clopper_pearson(share * worth, worth),
    )


def _by_person(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.participant, []).append(row)
    return found


def _hits(rows: Sequence[Row]) -> int:
    return sum(row.choice == Method.GRAD_CAM for row in rows)


def _reading(people: dict[str, list[Row]]) -> Reading | None:
    if not people:
        return None
    groups = [(_hits(rows), len(rows)) for rows in people.values()]
    share = share_of(groups)
    more = sum(2 * hits > count for hits, count in groups)
    less = sum(2 * hits < count for hits, count in groups)
    return Reading(
        test=sign_flip([Fraction(hits, count) for hits, count in groups]),
        share=share,
        pooled_p=binomial_two_sided(share.hits, share.answers),
        people_for=more,
        people_against=less,
        people_even=len(groups) - more - less,
        people_p=binomial_two_sided(more, more + less),
    )


def _strata(people: dict[str, list[Row]]) -> tuple[Stratum, ...]:
    found = []
    for level in (*Familiarity, None):
        mine = [rows for rows in people.values() if rows[0].familiarity == (level or "")]
        if mine or level is not None:
            answers = sum(map(len, mine))
            found.append(Stratum(level, len(mine), sum(map(_hits, mine)), answers))
    return tuple(found)


def _items(rows: Sequence[Row]) -> tuple[tuple[str, int, int], ...]:
    of = Counter(row.item for row in rows)
    hits = Counter(row.item for row in rows if row.choice == Method.GRAD_CAM)
    return tuple((item, hits[item], of[item]) for item in sorted(of) if item)


def _left(rows: Sequence[Row]) -> tuple[int, int]:
    known = [row for row in rows if row.left and row.right]
    return sum(row.choice == row.left for row in known), len(known)


def _repeats(rows: Sequence[Row]) -> tuple[int, int]:
    first = {(row.participant, row.item): row.choice for row in rows if row.counts}
    again = [row for row in rows if row.repeat and (row.participant, row.item) in first]
    same = sum(first[row.participant, row.item] == row.choice for row in again)
    return same, len(again)


def _objective(rows: Sequence[Row]) -> tuple[Known, ...]:
    found = []
    for method in Method:
        mine = _by_person(row for row in rows if row.left == method)
        if not mine:
            continue
        share = share_of([(sum(map(passed, rows)), len(rows)) for rows in mine.values()])
        p = binomial_above(share.hits, share.answers, CHANCE)
        found.append(Known(method, share, float(CHANCE), p))
    return tuple(found)

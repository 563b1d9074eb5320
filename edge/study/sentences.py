"""What an analysis says, in words."""

from collections.abc import Iterator

from edge.study.analysis import Analysis, Known, Reading, Share
from edge.study.intervals import Interval
from edge.study.plan import Familiarity

UNCLEAR = 0.05


def p_value(p: float) -> str:
    """A p as people write it: three digits, or a power of ten."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}".replace("e-0", "e-")


def percent(share: float) -> str:
    """A share, as "80 %"."""
    return f"{100 * share:.0f} %"


def span(interval: Interval) -> str:
    """An interval, as "71 to 87 %"."""
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"


def answers(number: int) -> str:
    """So many answers."""
    return "1 answer" if number == 1 else f"{number} answers"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def readings(reading: Reading) -> tuple[tuple[str, str, str], ...]:
    """Each way to read the same answers: its name, what was counted, and its p."""
    test, share = reading.test, reading.share
    people = reading.people_for + reading.people_against
    even = f", {reading.people_even} even" if reading.people_even else ""
    return (
        (
            "By person: exact sign-flip (primary)",
            f"{_people(test.people)}, mean share of Grad-CAM {percent(test.mean)}",
            f"{p_value(test.two_sided)} (one-sided {p_value(test.one_sided)})",
        ),
        (
            "People who prefer it",
            f"{reading.people_for} of {_people(people)}{even}",
            p_value(reading.people_p),
        ),
        (
            "As if all answers were independent",
            f"{share.hits} of {answers(share.answers)}",
            p_value(reading.pooled_p),
        ),
    )


def verdict(reading: Reading) -> str:
    """The primary result in one sentence, no stronger than it is."""
    test, share = reading.test, reading.share
    found = f"Grad-CAM was chosen in {percent(share.share)} of the answers"
    if test.two_sided < UNCLEAR:
        side = "Grad-CAM" if test.mean > 0.5 else "LIME"
        return f"{found}; these people prefer {side} (p = {p_value(test.two_sided)} by person)."
    if test.least >= UNCLEAR:
        return (
            f"{found}; with {_people(test.people)} no p below"
            f" {p_value(test.least)} is possible, so ask more."
        )
    return (
        f"{found}; that much comes of chance between people, too (p ="
        f" {p_value(test.two_sided)} by person), so no preference is shown."
    )


def intervals(share: Share) -> tuple[tuple[str, str], ...]:
    """Each 95 % interval with its name."""
    worth = f"{share.cluster.worth:.1f}"
    return (
        ("Wilson, design effect", f"{span(share.wilson_people)}, worth {worth} answers"),
        ("Clopper-Pearson, design effect", span(share.clopper_pearson_people)),
        ("Wilson, as if independent", span(share.wilson)),
        ("Clopper-Pearson, as if independent", span(share.clopper_pearson)),
    )


def design_effect(share: Share) -> str:
    """Why answers of the same person count for less."""
    cluster = share.cluster
    known = (
        f"intraclass correlation {cluster.correlation:.2f} (analysis of variance)"
        if cluster.correlation is not None
        else "the intraclass correlation cannot be told from these answers, and 1 is taken"
    )
    return (
        f"{known}; {cluster.size:.1f} answers a person; design effect {cluster.effect:.2f}, so"
        f" {answers(share.answers)} are worth {cluster.worth:.1f}"
    )


def notes(found: Analysis) -> Iterator[str]:
    """What else to know before it is believed."""
    if found.people > found.finished > 0:
        yield f"{found.people - found.finished} of {found.people} did not finish, and are left out."
    if found.people and not found.finished:
        yield "Nobody finished; everybody's answers are counted."
    if found.reading is not None and found.reading.test.draws:
        draws = found.reading.test.draws
        yield f"Too many ways to count: {draws:,} were drawn at random (Monte Carlo)."
    if found.catch[1]:
        yield f"Catch: {found.catch[0]} of {found.catch[1]} passed."
    same, again = found.repeats
    if again:
        alike = percent(same / again)
        yield f"Retest: {same} of {again} pairs shown again were answered the same ({alike})."
    on_left, known = found.left
    if known:
        yield f"Left side: chosen in {on_left} of {known} answers ({percent(on_left / known)})."
    if found.median_rt_ms is not None:
        yield f"Median time of an answer: {found.median_rt_ms / 1000:.1f} s."


def objective(known: Known) -> str:
    """How many right answers a method's maps led to."""
    share = known.share
    return (
        f"{known.method.shown}: {share.hits} of {share.answers} right ({percent(share.share)},"
        f" {span(share.wilson_people)} with design effect); by guessing {percent(known.chance)},"
        f" p = {p_value(known.p)} one-sided as if independent"
    )


def level(familiarity: Familiarity | None) -> str:
    """A level of familiarity as people read it."""
    return familiarity.value.capitalize() if familiarity is not None else "Did not say"

"""What answers say, and how it is told and written down."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from study_builders import NOW, TODAY, always, answer, conduct, make, studies_in

from edge.errors import StudyError
from edge.study import sentences
from edge.study.analysis import Analysis, Stratum, analyse
from edge.study.design import RIGHT, WRONG, Kind, Trial
from edge.study.file import StudyFile
from edge.study.paper import paper_rows
from edge.study.plan import Familiarity, Method
from edge.study.rows import HEADER, Row, as_csv, from_csv, rows_of
from edge.study.said import Participant
from edge.study.study import Study

GRAD_CAM, LIME = Method.GRAD_CAM, Method.LIME
Made = Callable[..., Study]


@pytest.fixture
def opened(tmp_path: Path) -> Made:
    def made(**values: object) -> Study:
        study = make(studies_in(tmp_path), **values)
        study.book.open(NOW)
        return study

    return made


def closed(study: Study) -> StudyFile:
    study.book.close(NOW)
    return study.file


def found_in(file: StudyFile) -> Analysis:
    return analyse(rows_of(file), len(file.plan.items))


# --- the paper ---


def test_the_papers_answers_have_both_readings() -> None:
    reading = analyse(paper_rows()).reading
    assert reading is not None
    assert (reading.share.hits, reading.share.answers) == (80, 100)
    assert reading.pooled_p == pytest.approx(1.1159e-9, rel=1e-4)
    assert (reading.people_for, reading.people_against) == (8, 2)
    assert reading.people_p == reading.test.two_sided == 0.109375


def test_the_papers_familiarity_is_that_of_its_figure() -> None:
    strata = analyse(paper_rows()).strata
    assert [(s.familiarity, s.people) for s in strata] == list(
        zip(Familiarity, (3, 5, 2), strict=True)
    )


def test_eighty_in_a_hundred_may_as_well_be_everybody_eight_of_ten() -> None:
    rows = [replace(row, choice=LIME if row.trial <= 2 else GRAD_CAM) for row in paper_rows()]
    reading = analyse(rows).reading
    assert reading is not None
    assert reading.pooled_p == pytest.approx(1.1159e-9, rel=1e-4)
    assert reading.test.two_sided == 2 / 1024


# --- who counts ---


def test_people_count_once_however_much_they_answer(opened: Made) -> None:
    study = opened()
    conduct(study, 4, lambda person, trial: GRAD_CAM if person.number < 3 else LIME)
    found = found_in(closed(study))
    assert found.reading is not None
    assert (found.reading.people_for, found.reading.people_against) == (3, 1)
    assert found.reading.share.hits == 3 * 6
    assert found.repeats == (8, 8)
    assert found.catch == (4, 4)
    assert found.left == (12, 24)
    assert found.median_rt_ms == 1500


def test_who_did_not_finish_is_left_out_and_told(opened: Made) -> None:
    study = opened()
    conduct(study, 3, always(GRAD_CAM))
    conduct(study, 1, always(LIME), questions=1)
    found = found_in(closed(study))
    assert (found.people, found.finished) == (4, 3)
    assert found.reading is not None
    assert found.reading.test.people == 3
    assert found.with_unfinished is not None
    assert found.with_unfinished.test.people == 4
    assert "1 of 4 did not finish, and are left out." in list(sentences.notes(found))


def test_where_nobody_finished_everybody_counts(opened: Made) -> None:
    study = opened()
    conduct(study, 2, always(LIME), questions=3)
    found = found_in(closed(study))
    assert found.finished == 0
    assert found.reading is not None
    assert found.with_unfinished is None


def test_who_fails_the_catch_is_reported_with_and_without(opened: Made) -> None:
    study = opened()
    conduct(study, 3, always(GRAD_CAM))
    careless, _ = study.book.join(Familiarity.NOT, TODAY)
    rows = rows_of_careless(study, careless)
    found = analyse(rows, 6)
    assert found.failed == (careless.id,)
    assert found.catch == (3, 4)
    assert found.reading is not None
    assert found.reading.test.people == 4
    assert found.without_failed is not None
    assert found.without_failed.test.people == 3


def rows_of_careless(study: Study, careless: Participant) -> list[Row]:
    answer(study, careless, always(LIME))
    rows = rows_of(closed(study))
    return [
        replace(row, choice=WRONG) if row.catch and row.participant == careless.id else row
        for row in rows
    ]


def test_a_retest_that_is_answered_otherwise_is_counted(opened: Made) -> None:
    study = opened()
    conduct(study, 2, lambda person, trial: LIME if trial.kind is Kind.REPEAT else GRAD_CAM)
    found = found_in(closed(study))
    assert found.repeats == (0, 4)
    assert found.reading is not None
    assert found.reading.share.hits == 12


def test_somebody_who_always_presses_left_is_seen(opened: Made) -> None:
    study = opened()

    def left(person: Participant, trial: Trial) -> str:
        return trial.contents[0]

    conduct(study, 2, left)
    found = found_in(closed(study))
    assert found.left == (12, 12)
    # Sides are exchanged where an item returns.
    assert found.repeats == (0, 4)
    assert found.reading is not None
    assert found.reading.test.mean == 0.5


def test_strata_are_counts(opened: Made) -> None:
    study = opened()
    conduct(study, 2, always(GRAD_CAM))
    assert found_in(closed(study)).strata == (
        Stratum(Familiarity.NOT, 1, 6, 6),
        Stratum(Familiarity.A_BIT, 1, 6, 6),
        Stratum(Familiarity.FAMILIAR, 0, 0, 0),
    )


def test_the_objective_block_is_held_against_a_guess(opened: Made) -> None:
    study = opened(objective=True)
    conduct(study, 2, always(GRAD_CAM))
    first, second = found_in(closed(study)).objective
    assert (first.method, second.method) == (GRAD_CAM, LIME)
    assert first.share.hits == first.share.answers == 6
    assert first.p == pytest.approx(0.25**6)
    assert "6 of 6 right" in sentences.objective(first)


def test_a_study_without_answers_is_no_error(opened: Made) -> None:
    found = found_in(closed(opened()))
    assert found.reading is None
    assert list(sentences.notes(found)) == []


# --- words ---


def test_a_verdict_says_no_more_than_there_is() -> None:
    paper = analyse(paper_rows()).reading
    assert paper is not None
    assert "no preference is shown" in sentences.verdict(paper)
    few = analyse([row for row in paper_rows() if row.participant in ("p01", "p02")]).reading
    assert few is not None
    assert "no p below 0.500 is possible" in sentences.verdict(few)
    clear = analyse([replace(row, choice=LIME) for row in paper_rows()]).reading
    assert clear is not None
    assert "these people prefer LIME (p = 0.002 by person)" in sentences.verdict(clear)


@pytest.mark.parametrize(
    ("p", "shown"), [(1.0, "1.000"), (0.109375, "0.109"), (1.1159e-9, "1.1e-9")]
)
def test_a_p_is_written_as_people_do(p: float, shown: str) -> None:
    assert sentences.p_value(p) == shown


# --- CSV ---


def test_tidy_csv_has_a_row_for_each_answer_and_reads_back(opened: Made) -> None:
    study = opened(objective=True)
    conduct(study, 2, always(LIME))
    rows = rows_of(closed(study))
    text = as_csv(rows)
    assert text.splitlines()[0] == ",".join(HEADER)
    assert len(text.splitlines()) == 1 + 2 * (6 + 2 + 1 + 6)
    assert from_csv(text, "answers") == rows
    (catch, _) = (row for row in csv.DictReader(io.StringIO(text)) if row["catch"] == "1")
    assert (catch["choice"], catch["item"]) == (RIGHT, "")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "|calc"])
def test_text_is_no_formula_in_a_spreadsheet(text: str) -> None:
    row = replace(paper_rows()[0], item=text)
    (shown,) = csv.DictReader(io.StringIO(as_csv((row,))))
    assert shown["item"] == f"'{text}"


def test_two_columns_are_enough() -> None:
    rows = from_csv(
        "participant, choice \nann,grad-cam\nann,lime\n\nbob,lime\nbob,lime\n", "mine.csv"
    )
    found = analyse(rows)
    assert found.people == 2
    assert found.strata[-1] == Stratum(None, 2, 1, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'participant' is missing"),
        ("participant\nann\n", "'choice' is missing"),
        ("participant,choice\n", "a header and no answers"),
        ("participant,choice\nann,gradcam\n", "line 2: choice: found 'gradcam', allowed grad-cam"),
        ("participant,choice\n,lime\n", "line 2: participant: found nothing"),
        ("participant,choice,catch\nann,lime,maybe\n", "catch: found 'maybe', allowed 0 or 1"),
        ("participant,choice,rt_ms\nann,lime,-3\n", "rt_ms: found '-3'"),
        ("participant,choice,familiarity\nann,lime,expert\n", "familiarity: found 'expert'"),
        ("participant,choice,trial\nann,lime,1\nann,lime,1\n", "found 2 answers to trial 1"),
    ],
)
def test_answers_that_cannot_be_read_name_the_line(text: str, said: str) -> None:
    with pytest.raises(StudyError, match=r"mine\.csv") as caught:
        from_csv(text, "mine.csv")
    assert said in str(caught.value)

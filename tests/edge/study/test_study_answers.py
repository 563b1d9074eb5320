"""What is stored: everything that was said, the first of it, and nothing of who said it."""

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from study_builders import NOW, TODAY, always, answer, conduct, make, plan, studies_in

from edge.errors import StudyConflict, StudyError, StudyLost, StudyUnknown
from edge.study.codes import digest, is_personal, new_invitation, new_personal_code, read_code
from edge.study.conducting import Sitting
from edge.study.file import StudyFile, read_study_file
from edge.study.files import read_plan
from edge.study.plan import Familiarity, Method
from edge.study.said import Answer, State
from edge.study.studies import Studies
from edge.study.study import ANSWERS, PLAN, Study

BIT = Familiarity.A_BIT


@pytest.fixture
def studies(tmp_path: Path) -> Studies:
    return studies_in(tmp_path)


@pytest.fixture
def study(studies: Studies) -> Study:
    """An open one."""
    made = make(studies)
    made.book.open(NOW)
    return made


# --- codes ---


def test_codes_are_long_enough_and_never_twice_the_same() -> None:
    codes = {new_personal_code() for _ in range(200)}
    assert len(codes) == 200
    # 16 letters of 5 bits.
    assert {len(code.replace("-", "")) * 5 for code in codes} == {80}


@pytest.mark.parametrize("typed", ["7k2m-x9tq", " 7K2M X9TQ ", "7K2MX9TQ"])
def test_a_code_may_be_typed_as_people_type(typed: str) -> None:
    assert read_code(typed) == "7K2M-X9TQ"
    assert read_code("oil0-oil0") == "0110-0110"


@pytest.mark.parametrize("typed", ["", "7K2M", "7K2M-X9T!", "UUUU-UUUU", "é" * 8, "7" * 17])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_code(typed) is None


def test_kinds_of_codes_are_told_apart() -> None:
    assert is_personal(new_personal_code())
    assert not is_personal(new_invitation())


# --- states ---


def test_a_study_goes_from_draft_to_open_to_closed_and_never_back(studies: Studies) -> None:
    book = make(studies).book
    assert book.standing().state is State.DRAFT
    with pytest.raises(StudyConflict, match="is draft; only one that is open can be closed"):
        book.close(NOW)
    book.open(NOW)
    with pytest.raises(StudyConflict, match="only one that is draft can be open"):
        book.open(NOW)
    book.close(NOW)
    with pytest.raises(StudyConflict, match="only one that is draft"):
        book.open(NOW)
    assert book.standing().closed_at == NOW


def test_nobody_joins_a_draft_or_a_closed_study(studies: Studies) -> None:
    book = make(studies).book
    with pytest.raises(StudyConflict, match="not open yet"):
        book.join(BIT, TODAY)
    book.open(NOW)
    book.close(NOW)
    with pytest.raises(StudyConflict, match="closed"):
        book.join(BIT, TODAY)


# --- answers ---


def test_an_answer_is_there_for_whoever_opens_the_file_next(study: Study) -> None:
    person, _ = study.book.join(BIT, TODAY)
    question = Sitting(study, person.id).next()
    assert question is not None
    Sitting(study, person.id).answer(1, question.key, "left", 812)
    assert Study(study.folder).book.answers(person.id) == (Answer(1, "left", 812),)


def test_the_first_answer_to_a_question_stays(study: Study) -> None:
    person, _ = study.book.join(BIT, TODAY)
    first = study.book.answer(person.id, Answer(1, "left", 500))
    assert study.book.answer(person.id, Answer(1, "right", 900)) == first
    study.book.say_confidence(person.id, 1, 4)
    study.book.say_confidence(person.id, 1, 1)
    assert study.book.answers(person.id) == (Answer(1, "left", 500, 4),)


def test_a_question_is_not_answered_before_it_is_asked(study: Study) -> None:
    person, _ = study.book.join(BIT, TODAY)
    with pytest.raises(StudyConflict, match="question 3 is not asked yet; the next one is 1"):
        study.book.answer(person.id, Answer(3, "left", 500))
    with pytest.raises(StudyConflict, match="no answer yet"):
        study.book.say_confidence(person.id, 1, 4)


def test_a_question_of_somebody_else_is_refused(study: Study) -> None:
    mine, theirs = (Sitting(study, study.book.join(BIT, TODAY)[0].id) for _ in range(2))
    question = theirs.next()
    assert question is not None
    with pytest.raises(StudyConflict, match="another participant"):
        mine.answer(1, question.key, "left", 500)
    assert mine.answered == 0


@pytest.mark.parametrize("choice", ["", "LEFT", "lime", "1", "3"])
def test_a_choice_that_was_not_offered_is_refused(study: Study, choice: str) -> None:
    sitting = Sitting(study, study.book.join(BIT, TODAY)[0].id)
    question = sitting.next()
    assert question is not None
    with pytest.raises(StudyError, match="allowed left, right"):
        sitting.answer(1, question.key, choice, 500)


@pytest.mark.parametrize(("rt_ms", "kept"), [(-5, 0), (10**12, 3_600_000)])
def test_a_time_that_cannot_be_is_held_in_range(study: Study, rt_ms: int, kept: int) -> None:
    sitting = Sitting(study, study.book.join(BIT, TODAY)[0].id)
    question = sitting.next()
    assert question is not None
    assert sitting.answer(1, question.key, "left", rt_ms).rt_ms == kept


def test_after_closing_nothing_is_taken_and_nothing_lost(study: Study) -> None:
    person, _ = study.book.join(BIT, TODAY)
    study.book.answer(person.id, Answer(1, "left", 500))
    study.book.close(NOW)
    with pytest.raises(StudyConflict, match="takes no more answers; what you said is kept"):
        study.book.answer(person.id, Answer(2, "left", 500))
    with pytest.raises(StudyConflict, match="closed"):
        Sitting(study, person.id).next()
    assert len(study.book.answers(person.id)) == 1


def test_many_people_at_once_lose_nothing(study: Study) -> None:
    failures: list[BaseException] = []

    def take_part() -> None:
        try:
            person, _ = study.book.join(BIT, TODAY)
            answer(Study(study.folder), person, always(Method.LIME))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=take_part) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = study.book.everything()
    assert failures == []
    assert [person.number for person, _ in said] == list(range(6))
    assert {len(answers) for _, answers in said} == {6 + 3}


def test_two_tabs_that_answer_at_once_leave_one_answer(study: Study) -> None:
    person, _ = study.book.join(BIT, TODAY)
    stands: list[Answer] = []

    def say(choice: str) -> None:
        stands.append(study.book.answer(person.id, Answer(1, choice, 500)))

    threads = [threading.Thread(target=say, args=(choice,)) for choice in ("left", "right") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(stands)) == 1
    assert study.book.answers(person.id) == (stands[0],)


# --- who ---


def test_nothing_but_a_hash_of_the_code_is_stored(study: Study) -> None:
    person, code = study.book.join(BIT, TODAY)
    study.book.answer(person.id, Answer(1, "left", 500))
    with closing(sqlite3.connect(study.folder / ANSWERS)) as db:
        stored = "\n".join(db.iterdump())
    assert code not in stored
    assert digest(study.id, code) in stored
    assert study.book.by_code(code) == person
    with closing(sqlite3.connect(study.folder / ANSWERS)) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(participants)")]
    assert columns == ["id", "number", "code", "familiarity", "consented_on"]


def test_who_withdraws_is_gone_from_the_file_too(study: Study) -> None:
    person, code = study.book.join(BIT, TODAY)
    study.book.answer(person.id, Answer(1, "left", 500))
    study.book.withdraw(person.id)
    content = b"".join(path.read_bytes() for path in study.folder.glob(f"{ANSWERS}*"))
    assert person.id.encode() not in content
    assert digest(study.id, code).encode() not in content
    assert study.book.by_code(code) is None
    assert study.book.standing().withdrawn == 1
    with pytest.raises(StudyUnknown, match="deleted"):
        study.book.answer(person.id, Answer(2, "left", 500))


def test_the_place_of_who_withdrew_is_taken_again(study: Study) -> None:
    people = [study.book.join(BIT, TODAY)[0] for _ in range(3)]
    study.book.withdraw(people[1].id)
    assert study.book.join(BIT, TODAY)[0].number == 1
    assert study.book.join(BIT, TODAY)[0].number == 3


# --- the folder ---


def test_codes_find_their_study(studies: Studies, study: Study) -> None:
    other = make(studies)
    other.book.open(NOW)
    person, code = study.book.join(BIT, TODAY)
    found = studies.returning(code)
    assert found is not None
    assert (found[0].id, found[1]) == (study.id, person)
    invited = studies.invited(study.book.standing().invitation)
    assert invited is not None
    assert invited.id == study.id
    study.book.close(NOW)
    assert studies.invited(study.book.standing().invitation) is None
    assert studies.returning(code) is not None


def test_a_damaged_study_keeps_the_people_of_others_out_of_nothing(
    studies: Studies, study: Study
) -> None:
    broken = make(studies)
    (broken.folder / ANSWERS).write_bytes(b"no database at all, but long enough to be looked at")
    assert studies.invited(study.book.standing().invitation) is not None
    listed = {entry.id: entry for entry in studies.all()}
    assert "cannot be read" in str(listed[broken.id].problem)
    assert listed[study.id].problem is None


def test_pictures_are_only_those_of_the_study_and_unchanged(study: Study) -> None:
    sha256 = study.plan.items[0].picture
    assert study.picture(sha256).startswith(b"\xff\xd8")
    with pytest.raises(StudyUnknown, match="no such picture"):
        study.picture("../../" + "a" * 58)
    (study.folder / "pictures" / f"{sha256}.jpg").write_bytes(b"another one")
    with pytest.raises(StudyLost, match="changed"):
        study.picture(sha256)


def test_results_are_hidden_until_the_study_is_closed(study: Study) -> None:
    with pytest.raises(StudyConflict, match="hidden until it is closed"):
        _ = study.file
    study.book.close(NOW)
    assert study.file.people == ()


@pytest.mark.parametrize("study_id", ["", "..", "../studies", "A" * 16, "0" * 15, "%2e%2e"])
def test_an_id_is_no_path(studies: Studies, study_id: str) -> None:
    with pytest.raises(StudyUnknown, match="there is no study"):
        studies.study(study_id)


def test_only_what_nobody_answered_is_removed(studies: Studies, study: Study) -> None:
    with pytest.raises(StudyConflict, match="is open"):
        studies.remove(study.id)
    draft = make(studies)
    studies.remove(draft.id)
    assert not draft.folder.exists()


# --- files ---


def closed(study: Study) -> StudyFile:
    conduct(study, 3, always(Method.GRAD_CAM))
    study.book.close(NOW)
    return study.file


def test_a_study_file_brings_everything_to_another_device(study: Study, tmp_path: Path) -> None:
    file = closed(study)
    text = file.model_dump_json()
    elsewhere = Studies(tmp_path / "elsewhere")
    brought = elsewhere.bring_in(read_study_file(text, "the file"))
    assert brought.file == file
    assert not brought.has_pictures
    with pytest.raises(StudyConflict, match="here already"):
        elsewhere.bring_in(file)


def test_a_study_that_could_not_be_brought_in_can_be_once_there_is_room(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = closed(study)
    elsewhere = Studies(tmp_path / "elsewhere")

    def full(*_: object) -> None:
        raise StudyLost("no room")

    with monkeypatch.context() as patch:
        patch.setattr("edge.study.studies.write_atomically", full)
        with pytest.raises(StudyLost):
            elsewhere.bring_in(file)
    assert elsewhere.ids() == ()
    assert elsewhere.bring_in(file).file == file


def test_a_study_file_names_no_code(study: Study) -> None:
    assert study.book.standing().invitation not in closed(study).model_dump_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ("[1, 2]", "found kind None, expected 'bricksight-study'"),
        ('{"kind": "holiday-photos"}', "found kind 'holiday-photos'"),
        ('{"kind": "bricksight-study", "schema_version": 9}', "found schema_version 9, expected 1"),
        ('{"kind": "bricksight-study", "schema_version": 1}', "plan: missing"),
    ],
)
def test_a_study_file_that_is_not_ours_says_what_it_is(text: str, said: str) -> None:
    with pytest.raises(StudyError, match="the file") as caught:
        read_study_file(text, "the file")
    assert said in str(caught.value)


def test_a_study_file_that_was_changed_is_refused(study: Study) -> None:
    values = json.loads(closed(study).model_dump_json())
    person = values["people"][0]
    for change, said in [
        ({"answers": [{"trial": 2, "choice": "left", "rt_ms": 1}]}, "question 2"),
        ({"answers": [{"trial": 1, "choice": "middle", "rt_ms": 1}]}, "'middle'"),
        ({"answers": [{"trial": 1, "choice": "left", "rt_ms": -1}]}, "greater than or equal to 0"),
        ({"number": 1}, "same id or number"),
        ({"name": "Ada"}, "name"),
    ]:
        changed = values | {"people": [person | change, *values["people"][1:]]}
        with pytest.raises(StudyError) as caught:
            read_study_file(json.dumps(changed), "the file")
        assert said in str(caught.value)


def test_the_plan_of_another_study_is_refused(studies: Studies, study: Study) -> None:
    (study.folder / PLAN).write_text(plan(study_id="ff" * 8).model_dump_json())
    with pytest.raises(StudyError, match=f"found study {'ff' * 8}, expected {study.id}"):
        _ = Study(study.folder).plan
    (study.folder / PLAN).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="no text"):
        read_plan(study.folder / PLAN)

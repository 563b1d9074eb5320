"""Taking part: nobody learns a method, nothing that was said is lost, and people can leave."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from study_rig import StudyWorld, Visitor, make

from edge.study.codes import new_invitation, new_personal_code
from edge.study.plan import Asked
from edge.study.study import Study

FAMILIAR = "familiar"
METHODS = re.compile("grad|cam|lime|hires", re.IGNORECASE)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[StudyWorld]:
    built = StudyWorld(tmp_path)
    yield built
    built.close()


@pytest.fixture
def study(rig: StudyWorld) -> Study:
    return rig.open_study(objective=True)


@pytest.fixture
def person(rig: StudyWorld, study: Study) -> Visitor:
    visitor = rig.visitor()
    visitor.join(study)
    return visitor


def invitation(study: Study) -> str:
    return study.book.standing().invitation


# --- the way in ---


def test_an_invitation_tells_what_it_invites_to_and_nothing_else(
    rig: StudyWorld, study: Study
) -> None:
    code = study.book.standing().invitation.lower().replace("-", " ")
    answer = rig.visitor().post("/participate/code", {"code": code})
    assert answer.json == {"title": study.plan.title, "questions": 6 + 2 + 1 + 6, "minutes": 4}
    assert study.book.standing().participants == 0


def test_nobody_takes_part_without_consent_and_familiarity(rig: StudyWorld, study: Study) -> None:
    code = study.book.standing().invitation
    visitor = rig.visitor()
    for body, said in [
        ({"code": code, "consent": False, "familiarity": FAMILIAR}, "did not agree"),
        ({"code": code, "consent": 1, "familiarity": FAMILIAR}, "true or false"),
        ({"code": code, "consent": True}, "expected a JSON object with code, consent, familiarity"),
        ({"code": code, "consent": True, "familiarity": "expert"}, "allowed not familiar"),
        ([], "expected a JSON object"),
        ({"code": code, "consent": True, "familiarity": FAMILIAR, "name": "Ada"}, "expected"),
    ]:
        answer = visitor.post("/participate/join", body)
        assert answer.status_code == 400
        assert said in answer.json["error"]
    assert study.book.standing().participants == 0


@pytest.mark.parametrize("code", [new_invitation(), new_personal_code()])
def test_a_code_that_nobody_has_is_refused(rig: StudyWorld, study: Study, code: str) -> None:
    answer = rig.visitor().post("/participate/code", {"code": code})
    assert answer.status_code == 403
    assert "no open study has this code" in answer.json["error"]


def test_guessing_codes_is_limited_for_the_right_one_too(rig: StudyWorld, study: Study) -> None:
    visitor = rig.visitor()
    statuses = [
        visitor.post("/participate/code", {"code": new_invitation()}).status_code for _ in range(8)
    ]
    assert statuses == [403] * 5 + [429] * 3
    right = {"code": study.book.standing().invitation}
    # Else whoever guesses would only have to go on.
    assert visitor.post("/participate/code", right).status_code == 429
    joining = right | {"consent": True, "familiarity": "familiar"}
    assert visitor.post("/participate/join", joining).status_code == 429
    assert study.book.standing().participants == 0


def test_a_whole_room_behind_one_address_gets_in(rig: StudyWorld, study: Study) -> None:
    for _ in range(25):
        rig.visitor().join(study)
    assert study.book.standing().participants == 25


@pytest.mark.parametrize("code", ["", "abc", "<script>", "7" * 400, "\u0000" * 8])
def test_what_is_no_code_is_said(rig: StudyWorld, study: Study, code: str) -> None:
    answer = rig.visitor().post("/participate/code", {"code": code})
    assert answer.status_code == 400
    assert "8 or 16 letters and digits" in answer.json["error"]


def test_a_draft_lets_nobody_in(rig: StudyWorld) -> None:
    draft = make(rig.studies)
    code = draft.book.standing().invitation
    assert rig.visitor().post("/participate/code", {"code": code}).status_code == 403


# --- blind ---


def test_nothing_a_participant_gets_names_a_method_or_what_the_model_said(
    rig: StudyWorld, person: Visitor, study: Study
) -> None:
    for number in range(1, 10):
        answer = person.get("/participate/next")
        question = answer.json["question"]
        assert question["number"] == number
        assert not METHODS.search(re.sub("[0-9a-f]{64}", "", answer.text))
        assert question["options"] == []
        assert not any(brick.name in answer.text for brick in (i.brick for i in study.plan.items))
        for sha256 in (question["picture"], *question["shown"]):
            shown = person.get(f"/participate/pictures/{sha256}.jpg")
            assert shown.mimetype == "image/jpeg"
            assert not METHODS.search(str(shown.headers))
        assert not METHODS.search(person.say("left").text)
    assert not METHODS.search(person.get("/participate").text)
    # The objective block names bricks, so it is the last.
    assert len(person.question()["options"]) == 4


def test_scripts_of_participants_name_no_method() -> None:
    static = Path(__file__).parents[3] / "edge" / "dashboard" / "static"
    for name in ("study_sitting.js", "study_door.js", "study_words.js"):
        assert not METHODS.search((static / name).read_text(encoding="utf-8"))


def test_a_participant_sees_nothing_of_staff_and_staff_no_questions(
    rig: StudyWorld, person: Visitor, study: Study
) -> None:
    for path in ("/", "/study", f"/study/{study.id}", "/api/studies", "/api/state"):
        assert person.get(path).status_code == 403
    assert rig.staff().get("/participate/next").status_code == 403
    assert rig.visitor().get("/participate/next").status_code == 401


def test_a_participant_sees_pictures_of_their_study_only(
    rig: StudyWorld, person: Visitor, study: Study
) -> None:
    other = rig.open_study(count=8)
    foreign = next(iter(other.plan.files - study.plan.files))
    assert person.get(f"/participate/pictures/{foreign}.jpg").status_code == 404
    assert person.get("/participate/pictures/study.jpg").status_code == 404
    assert person.get("/participate/pictures/..%2f..%2fstudy.json").status_code == 403


# --- answers ---


def test_a_study_from_the_first_question_to_the_last(person: Visitor, study: Study) -> None:
    for _ in range(9):
        assert person.say("right").json == {"choice": "right"}
    for _ in range(6):
        assert person.say("3").status_code == 200
    assert person.get("/participate/next").json == {"done": True}
    ((_, answers),) = study.book.everything()
    assert [answer.choice for answer in answers] == ["right"] * 9 + ["3"] * 6
    assert {answer.rt_ms for answer in answers} == {700}


def test_a_double_answer_leaves_the_first(person: Visitor, study: Study) -> None:
    question = person.question()
    assert person.say("left", question).json == {"choice": "left"}
    assert person.say("right", question).json == {"choice": "left"}
    body = {"trial": 1, "key": question["key"], "confidence": 5}
    assert person.post("/participate/confidence", body).status_code == 200
    assert person.post("/participate/confidence", body | {"confidence": 1}).status_code == 200
    ((_, answers),) = study.book.everything()
    assert [(answer.choice, answer.confidence) for answer in answers] == [("left", 5)]


def test_a_tab_that_was_somebody_elses_is_told(
    rig: StudyWorld, study: Study, person: Visitor
) -> None:
    stale = person.question()
    other = rig.visitor()
    other.join(study)
    answer = other.say("left", stale)
    assert answer.status_code == 409
    assert "another participant" in answer.json["error"]
    assert all(not answers for _, answers in study.book.everything())


def test_a_question_that_is_not_asked_yet_is_refused(person: Visitor) -> None:
    question = person.question()
    later = question | {"number": 2}
    assert person.say("left", later).status_code == 409
    assert person.say("left", question | {"number": 0}).status_code == 400
    assert person.say("left", question | {"number": 10**12}).status_code == 400


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"choice": "grad-cam"}, "allowed left, right"),
        ({"choice": 1}, "choice: found 1, expected text"),
        ({"trial": True}, "trial: found True, expected a whole number"),
        ({"trial": 1.5}, "expected a whole number"),
        ({"rt_ms": None}, "rt_ms: found None"),
        ({"more": 1}, "expected a JSON object with trial, key, choice, rt_ms"),
    ],
)
def test_garbage_is_told_and_changes_nothing(
    person: Visitor, study: Study, change: dict[str, object], said: str
) -> None:
    question = person.question()
    body = {"trial": 1, "key": question["key"], "choice": "left", "rt_ms": 5} | change
    answer = person.post("/participate/answer", body)
    assert answer.status_code == 400
    assert said in answer.json["error"]
    assert all(not answers for _, answers in study.book.everything())


def test_huge_numbers_are_no_fault_of_the_device(person: Visitor, study: Study) -> None:
    question = person.question()
    body = {"trial": 1, "key": question["key"], "choice": "left", "rt_ms": 10**30}
    assert person.post("/participate/answer", body).status_code == 200
    ((_, answers),) = study.book.everything()
    assert answers[0].rt_ms == 3_600_000


def test_after_closing_answers_are_refused_and_kept(person: Visitor, study: Study) -> None:
    person.say("left")
    question = person.question()
    study.book.close("2026-03-02")
    answer = person.say("left", question)
    assert answer.status_code == 409
    assert "what you said is kept" in answer.json["error"]
    assert person.get("/participate/next").status_code == 409
    ((_, answers),) = study.book.everything()
    assert len(answers) == 1


# --- coming back, and leaving ---


def test_a_code_of_ones_own_goes_on_where_one_stopped(rig: StudyWorld, study: Study) -> None:
    before = rig.visitor()
    code = before.join(study)
    before.say("left")
    again = rig.visitor()
    assert again.post("/participate/code", {"code": code}).json == {"returned": True}
    assert again.question()["number"] == 2
    assert study.book.standing().participants == 1
    assert "Welcome back" in again.get("/participate").text


def test_withdrawing_deletes_everything_after_a_confirmation(rig: StudyWorld, study: Study) -> None:
    visitor = rig.visitor()
    code = visitor.join(study)
    visitor.say("left")
    assert visitor.post("/participate/withdraw", {"confirm": False}).status_code == 400
    assert visitor.post("/participate/withdraw", {}).status_code == 400
    assert visitor.post("/participate/withdraw", {"confirm": True}).status_code == 200
    assert study.book.everything() == ()
    assert visitor.get("/participate/next").status_code == 404
    assert "Take part in a study" in visitor.get("/participate").text
    assert rig.visitor().post("/participate/code", {"code": code}).status_code == 403


def test_what_is_stored_of_somebody_is_not_who_they_are(rig: StudyWorld, study: Study) -> None:
    visitor = rig.visitor()
    visitor.client.environ_base["HTTP_USER_AGENT"] = "Very-Special-Browser/1.0"
    visitor.join(study)
    visitor.say("left")
    assert rig.visitor().post("/participate/code", {"code": invitation(study)}).status_code == 200
    stored = b"".join(path.read_bytes() for path in study.folder.rglob("*") if path.is_file())
    assert rig.world.gate.audit.newest(100) == ()
    assert b"Very-Special-Browser" not in stored
    assert b"127.0.0.1" not in stored


def test_the_question_where_names_the_brick(rig: StudyWorld) -> None:
    study = rig.open_study(asked=Asked.WHERE)
    visitor = rig.visitor()
    visitor.join(study)
    texts = set()
    for _ in range(9):
        texts.add(visitor.question()["text"])
        visitor.say("left")
    assert "Which of the two pictures better shows where the brick is?" in texts
    assert any("Brick 1x1 (3001)" in text for text in texts)
    assert not any(METHODS.search(text) for text in texts)
    assert {answer.choice for _, answers in study.book.everything() for answer in answers} == {
        "left"
    }

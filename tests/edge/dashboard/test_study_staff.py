"""Staff make, open, close and read studies; nothing is seen before its time."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from study_rig import NOW, StudyWorld, Visitor, always, conduct, make, scene

from edge.pictures import write_picture
from edge.study.plan import Method
from edge.study.study import ANSWERS, PLAN, Study

WAIT_S = 120.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[StudyWorld]:
    built = StudyWorld(tmp_path)
    yield built
    built.close()


@pytest.fixture
def staff(rig: StudyWorld) -> Visitor:
    return rig.staff()


@pytest.fixture
def closed(rig: StudyWorld) -> Study:
    study = rig.open_study(objective=True)
    conduct(study, 4, lambda person, trial: Method.GRAD_CAM if person.number else Method.LIME)
    study.book.close(NOW)
    return study


# --- making ---


def test_a_study_is_made_from_the_page(rig: StudyWorld, staff: Visitor) -> None:
    folder = rig.sources / "piles"
    folder.mkdir()
    for number in range(4):
        write_picture(folder / f"{number}.png", scene(number))
    assert "Folder piles" in staff.get("/study").text
    body = {"title": "Trust\u0007 me", "count": 4, "folder": "piles", "objective": True}
    study_id = staff.post("/api/studies", body).json["id"]
    (listed,) = staff.get("/api/studies").json["studies"]
    assert (listed["id"], listed["state"], listed["of"]) == (study_id, "running", 4)
    assert "being made" in staff.get("/study").text
    assert staff.get(f"/study/{study_id}").status_code == 404
    assert rig.maker._process is not None
    rig.maker._process.wait(WAIT_S)
    (listed,) = staff.get("/api/studies").json["studies"]
    assert (listed["state"], listed["title"]) == ("draft", "Trust me")
    assert staff.get(f"/study/{study_id}").status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"title": "x", "count": 10}, "keeps no journal"),
        ({"title": "x", "count": 10, "folder": "../.."}, "allowed none"),
        ({"title": " \n", "count": 10, "folder": "a"}, "title: found 0 characters"),
        ({"title": "x" * 121, "count": 10, "folder": "a"}, "title: found 121 characters"),
        ({"title": "x", "count": 3, "folder": "a"}, "count: found 3, allowed 4..60"),
        ({"title": "x", "count": "10", "folder": "a"}, "count: found '10'"),
        ({"title": "x", "count": 10, "asked": "why"}, "asked: found 'why', allowed trust, where"),
        ({"title": "x"}, "expected a JSON object with title, count"),
        ({"title": "x", "count": 5, "bundle": "/etc"}, "expected a JSON object"),
    ],
)
def test_a_study_that_cannot_be_made_says_why(
    rig: StudyWorld, staff: Visitor, body: dict[str, object], said: str
) -> None:
    answer = staff.post("/api/studies", body)
    assert answer.status_code == 400
    assert said in answer.json["error"]
    assert rig.studies.ids() == ()


# --- its life ---


def test_open_shows_the_invitation_and_close_the_results(rig: StudyWorld, staff: Visitor) -> None:
    study = make(rig.studies)
    address = f"/api/studies/{study.id}"
    invitation = study.book.standing().invitation
    assert invitation not in staff.get(f"/study/{study.id}").text
    assert staff.post(f"{address}/close", {"confirm": True}).status_code == 409
    assert staff.post(f"{address}/open", {}).json == {"invitation": invitation}
    assert staff.post(f"{address}/open", {}).status_code == 409
    assert invitation in staff.get(f"/study/{study.id}").text
    conduct(study, 2, always(Method.LIME))
    assert staff.post(f"{address}/close", {}).status_code == 400
    assert staff.post(f"{address}/close", {"confirm": True}).status_code == 200
    page = staff.get(f"/study/{study.id}").text
    assert "exact sign-flip" in page
    assert invitation not in page


def test_answers_and_maps_are_hidden_while_it_is_open(rig: StudyWorld, staff: Visitor) -> None:
    study = rig.open_study()
    conduct(study, 3, always(Method.LIME))
    for name in ("answers.csv", "study.json"):
        answer = staff.get(f"/study/{study.id}/{name}")
        assert answer.status_code == 409
        assert "hidden until it is closed" in answer.json["error"]
    item = study.plan.items[0]
    assert staff.get(f"/study/{study.id}/pictures/{item.picture}.jpg").status_code == 200
    for sha256 in item.maps.values():
        assert staff.get(f"/study/{study.id}/pictures/{sha256}.jpg").status_code == 400
    page = staff.get(f"/study/{study.id}").text
    assert not any(sha in page for sha in item.maps.values())
    assert "Results" not in page


def test_two_technicians_at_once_open_it_once(rig: StudyWorld) -> None:
    study = make(rig.studies)
    answers = [rig.staff().post(f"/api/studies/{study.id}/open", {}) for _ in range(2)]
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_what_people_answered_is_not_removed(
    rig: StudyWorld, staff: Visitor, closed: Study
) -> None:
    answer = staff.post(f"/api/studies/{closed.id}/remove", {"confirm": True})
    assert answer.status_code == 409
    draft = make(rig.studies)
    assert staff.post(f"/api/studies/{draft.id}/remove", {"confirm": True}).status_code == 200
    assert rig.studies.ids() == (closed.id,)


# --- results ---


def test_results_name_every_reading(staff: Visitor, closed: Study) -> None:
    page = staff.get(f"/study/{closed.id}").text
    for words in (
        "By person: exact sign-flip (primary)",
        "3 of 4 people",
        "18 of 24 answers",
        "Wilson, design effect",
        "Clopper-Pearson, as if independent",
        "Retest: 8 of 8",
        "Catch: 4 of 4 passed",
        "Which brick does it point to?",
        "50 percent of people",
    ):
        assert words in page
    assert 'style="' not in page


def test_answers_as_csv_and_all_as_json(staff: Visitor, closed: Study) -> None:
    answer = staff.get(f"/study/{closed.id}/answers.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 4 * (6 + 2 + 1 + 6)
    file = staff.get(f"/study/{closed.id}/study.json")
    assert json.loads(file.text)["plan"]["id"] == closed.id


def test_a_closed_study_that_nobody_answered_has_a_page(rig: StudyWorld, staff: Visitor) -> None:
    study = rig.open_study()
    study.book.close(NOW)
    assert "Nobody answered." in staff.get(f"/study/{study.id}").text


# --- files of others ---


def bring_in(staff: Visitor, content: bytes) -> tuple[int, str]:
    answer = staff.client.post(
        "/api/studies/import", data=content, content_type="application/octet-stream"
    )
    return answer.status_code, answer.text


def test_a_study_of_another_device_is_brought_in(
    rig: StudyWorld, staff: Visitor, closed: Study
) -> None:
    content = staff.get(f"/study/{closed.id}/study.json").data
    assert bring_in(staff, content)[0] == 409
    for name in (ANSWERS, PLAN):
        (closed.folder / name).unlink()
    closed.folder.rename(closed.folder.parent.parent / "away")
    assert bring_in(staff, content)[0] == 200
    page = staff.get(f"/study/{closed.id}").text
    assert "18 of 24 answers" in page
    assert "on the device it was made on" in page


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{}", b"[" * 200_000, b'{"kind": "bricksight-study"}', b"\x89PNG\r\n"],
)
def test_a_study_file_that_is_not_ours_is_refused(
    rig: StudyWorld, staff: Visitor, content: bytes
) -> None:
    status, said = bring_in(staff, content)
    assert status == 400
    assert "the file" in said
    assert rig.studies.ids() == ()


def test_a_body_without_end_is_refused(staff: Visitor) -> None:
    assert bring_in(staff, b"x" * (9 * 2**20))[0] == 413


# --- what is not there ---


@pytest.mark.parametrize("study_id", ["0" * 16, "..", "a", "%2e%2e", "A" * 16, "0" * 17])
def test_a_study_that_is_not_there_is_told(rig: StudyWorld, staff: Visitor, study_id: str) -> None:
    assert staff.get(f"/study/{study_id}").status_code == 404
    assert staff.post(f"/api/studies/{study_id}/open", {}).status_code == 404


def test_a_damaged_study_breaks_no_page(rig: StudyWorld, staff: Visitor, closed: Study) -> None:
    (closed.folder / PLAN).write_text('{"kind": "bricksight-study", "schema_version": 1}')
    page = staff.get("/study")
    assert page.status_code == 200
    assert "damaged" in page.text
    assert staff.get(f"/study/{closed.id}").status_code == 400


def test_titles_are_text_and_no_markup(rig: StudyWorld, staff: Visitor) -> None:
    study = make(rig.studies, title="<script>alert(1)</script>")
    for page in ("/study", f"/study/{study.id}"):
        assert "<script>alert" not in staff.get(page).text


def test_a_viewer_runs_no_studies(rig: StudyWorld) -> None:
    client = rig.world.app.test_client()
    client.set_cookie("bricksight", rig.world.cookie("vera"))
    assert client.get("/study").status_code == 403
    assert client.get("/api/studies").status_code == 403

"""Make, open, close and read studies."""

from datetime import UTC, datetime

from flask import Response, jsonify, render_template, request

from edge.dashboard.access import Role, needs
from edge.dashboard.study.answering import body_of, check_confirmed
from edge.dashboard.study.participant import jpeg
from edge.dashboard.study.results import results_of
from edge.dashboard.values import Json
from edge.errors import StudyError
from edge.study.child import Maker
from edge.study.file import read_study_file
from edge.study.plan import MAX_ITEMS, MAX_TITLE_CHARS, MIN_ITEMS, Asked
from edge.study.rows import as_csv, rows_of
from edge.study.said import State
from edge.study.studies import Listed, Studies
from edge.study.study import Study

MAX_IMPORT_BYTES = 2**20
"""As much as the server takes; what is larger is brought in by `bricksight-edge study import`."""


class StaffViews:
    """What a technician asks for.

    Args:
        studies: All of the device.
        maker: Makes new ones.
    """

    def __init__(self, studies: Studies, maker: Maker) -> None:
        self._studies = studies
        self._maker = maker

    @needs(Role.TECHNICIAN)
    def page(self) -> str:
        """GET /study: all studies, and how a new one is made."""
        return render_template(
            "study.html",
            studies=[_summary(entry) for entry in self._studies.all()],
            kept=self._maker.kept,
            folders=self._maker.folders,
            counts=(MIN_ITEMS, MAX_ITEMS),
            max_title=MAX_TITLE_CHARS,
            max_import=MAX_IMPORT_BYTES,
        )

    @needs(Role.TECHNICIAN)
    def one(self, study_id: str) -> str:
        """GET /study/<id>: one study; its results once it is closed."""
        study = self._studies.study(study_id)
        standing = study.book.standing()
        closed = standing.state is State.CLOSED
        return render_template(
            "study_one.html",
            study=_summary(self._studies.listed(study_id)),
            plan=study.plan,
            standing=standing,
            has_pictures=study.has_pictures,
            results=results_of(study.file) if closed else None,
        )

    @needs(Role.TECHNICIAN)
    def listed(self) -> Response:
        """GET /api/studies: how far all are."""
        return jsonify(studies=[_summary(entry) for entry in self._studies.all()])

    @needs(Role.TECHNICIAN)
    def create(self) -> Response:
        """POST /api/studies: begin to make one, in a process of its own."""
        body = body_of(
            {"title": str, "count": int},
            {"folder": (str, type(None)), "asked": str, "confidence": bool, "objective": bool},
        )
        study_id = self._maker.begin(
            _title(body["title"]),
            _count(body["count"]),
            body.get("folder"),
            asked=_asked(body.get("asked", Asked.TRUST)),
            ask_confidence=body.get("confidence", True),
            objective=body.get("objective", False),
        )
        return jsonify(id=study_id)

    @needs(Role.TECHNICIAN)
    def open(self, study_id: str) -> Response:
        """POST /api/studies/<id>/open"""
        body_of({})
        study = self._studies.study(study_id)
        study.book.open(_now())
        return jsonify(invitation=study.book.standing().invitation)

    @needs(Role.TECHNICIAN)
    def close(self, study_id: str) -> Response:
        """POST /api/studies/<id>/close {"confirm": true}"""
        check_confirmed(body_of({"confirm": bool}))
        self._studies.study(study_id).book.close(_now())
        return jsonify(ok=True)

    @needs(Role.TECHNICIAN)
    def remove(self, study_id: str) -> Response:
        """POST /api/studies/<id>/remove {"confirm": true}"""
        check_confirmed(body_of({"confirm": bool}))
        self._studies.remove(study_id)
        return jsonify(ok=True)

    @needs(Role.TECHNICIAN, max_body=MAX_IMPORT_BYTES)
    def bring_in(self) -> Response:
        """POST /api/studies/import: the bytes of a study file of another device."""
        try:
            text = request.get_data().decode("utf-8")
        except UnicodeDecodeError as error:
            raise StudyError(f"the file is no text ({error}); give a study file") from error
        return jsonify(id=self._studies.bring_in(read_study_file(text, "the file")).id)

    @needs(Role.TECHNICIAN)
    def as_csv(self, study_id: str) -> Response:
        """GET /study/<id>/answers.csv: of a closed study."""
        text = as_csv(rows_of(self._studies.study(study_id).file))
        return _download(text, "text/csv", f"study-{study_id}.csv")

    @needs(Role.TECHNICIAN)
    def as_json(self, study_id: str) -> Response:
        """GET /study/<id>/study.json: all of a closed study."""
        text = self._studies.study(study_id).file.model_dump_json(indent=1)
        return _download(text, "application/json", f"study-{study_id}.json")

    @needs(Role.TECHNICIAN)
    def picture(self, study_id: str, sha256: str) -> Response:
        """GET /study/<id>/pictures/<sha256>.jpg: a plain picture; no map, as long as it runs."""
        study = self._studies.study(study_id)
        if sha256 not in _visible(study):
            raise StudyError("maps are hidden until the study is closed")
        return jpeg(study, sha256)


def _visible(study: Study) -> frozenset[str]:
    if study.book.standing().state is State.CLOSED:
        return study.plan.files
    return frozenset(item.picture for item in study.plan.items)


def _summary(entry: Listed) -> Json:
    standing = entry.standing
    return {
        "id": entry.id,
        "title": entry.title,
        "state": standing.state if standing else entry.made.stage,
        "made": entry.made.made,
        "of": entry.made.of,
        "problem": entry.problem,
        "participants": standing.participants if standing else 0,
    }


def _title(title: str) -> str:
    shown = "".join(char for char in title if char.isprintable()).strip()
    if not 1 <= len(shown) <= MAX_TITLE_CHARS:
        raise StudyError(f"title: found {len(shown)} characters, allowed 1..{MAX_TITLE_CHARS}")
    return shown


def _count(count: int) -> int:
    if not MIN_ITEMS <= count <= MAX_ITEMS:
        raise StudyError(f"count: found {count}, allowed {MIN_ITEMS}..{MAX_ITEMS}")
    return count


def _asked(asked: str) -> Asked:
    if asked not in list(Asked):
        raise StudyError(f"asked: found {asked[:40]!r}, allowed {', '.join(Asked)}")
    return Asked(asked)


def _download(text: str, mimetype: str, name: str) -> Response:
    answer = Response(text, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

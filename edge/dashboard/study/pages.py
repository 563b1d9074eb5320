"""The routes of the study."""

from flask import Blueprint

from edge.dashboard.routes import Views, add_acts, add_looks
from edge.dashboard.study.answering import study_error
from edge.dashboard.study.participant import Limit, ParticipantViews
from edge.dashboard.study.staff import StaffViews
from edge.errors import StudyError
from edge.study.child import Maker
from edge.study.studies import Studies


def blueprint(studies: Studies, maker: Maker, limit_attempts: Limit) -> Blueprint:
    """The study's pages: /study for staff, /participate for who takes part.

    Args:
        studies: All of the device.
        maker: Makes new ones; its owner closes it.
        limit_attempts: Counts a guess of a code; the refusal where there were too many.

    Example:
        studies = Studies(studies_beside(journal))
        maker = Maker(studies, config.bundle, journal, sources=None)
        pages = blueprint(studies, maker, gate.limit_attempts)
    """
    pages = Blueprint("study", __name__)
    pages.register_error_handler(StudyError, study_error)
    _add_staff(pages, StaffViews(studies, maker))
    _add_participant(pages, ParticipantViews(studies, limit_attempts))
    return pages


def _add_staff(pages: Blueprint, views: StaffViews) -> None:
    looks: Views = {
        "/study": views.page,
        "/study/<study_id>": views.one,
        "/study/<study_id>/answers.csv": views.as_csv,
        "/study/<study_id>/study.json": views.as_json,
        "/study/<study_id>/pictures/<sha256>.jpg": views.picture,
        "/api/studies": views.listed,
    }
    add_looks(pages, looks)
    acts: Views = {
        "/api/studies": views.create,
        "/api/studies/import": views.bring_in,
        "/api/studies/<study_id>/open": views.open,
        "/api/studies/<study_id>/close": views.close,
        "/api/studies/<study_id>/remove": views.remove,
    }
    add_acts(pages, acts)


def _add_participant(pages: Blueprint, views: ParticipantViews) -> None:
    pages.add_url_rule("/participate", "participate", views.page, methods=["GET"])
    for address, name, view in (
        ("/participate/next", "next", views.next),
        ("/participate/pictures/<sha256>.jpg", "shown", views.picture),
    ):
        pages.add_url_rule(address, name, view, methods=["GET"])
    for address, name, view in (
        ("/participate/code", "look_up", views.look_up),
        ("/participate/join", "join", views.join),
        ("/participate/answer", "answer", views.answer),
        ("/participate/confidence", "confidence", views.confidence),
        ("/participate/withdraw", "withdraw", views.withdraw),
    ):
        pages.add_url_rule(address, name, view, methods=["POST"])

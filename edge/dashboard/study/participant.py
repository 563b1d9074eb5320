"""Taking part in a study: a code, consent, one question after the other, and a way out."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from flask import Response, g, jsonify, render_template

from edge.dashboard.access import Person, Role, everybody, needs, who
from edge.dashboard.access.participants import admit
from edge.dashboard.guard import problem
from edge.dashboard.study.answering import body_of, check_confirmed
from edge.errors import StudyError, StudyUnknown
from edge.study.codes import read_code
from edge.study.conducting import Sitting
from edge.study.design import trials_of
from edge.study.plan import Familiarity
from edge.study.said import Participant
from edge.study.studies import Studies
from edge.study.study import Study

SECONDS_EACH = 15
NOT_KNOWN = "no open study has this code; check it, or ask whoever invited you"
Limit = Callable[..., Response | None]


class ParticipantViews:
    """What somebody who takes part asks for. Nothing here tells a method.

    Args:
        studies: All of the device.
        limit_attempts: Counts a guess; the refusal where there were too many.
    """

    def __init__(self, studies: Studies, limit_attempts: Limit) -> None:
        self._studies = studies
        self._limit_attempts = limit_attempts

    @everybody
    def page(self) -> str:
        """GET /participate: the door; or the questions for who is in."""
        person = g.get("person")
        if isinstance(person, Person) and person.role is Role.PARTICIPANT:
            try:
                sitting = self._sitting()
            except StudyError:
                # Withdrawn, or the study is gone: there is only the door for them.
                return self._door()
            return render_template(
                "study_sitting.html",
                title=sitting.study.plan.title,
                objective=sitting.study.plan.objective,
                begun=sitting.answered > 0,
            )
        return self._door()

    @everybody
    def look_up(self) -> Response:
        """POST /participate/code {"code": ...}: what an invitation invites to; or comes back."""
        code = _code()
        refused = self._limit_attempts(counted=False)
        if refused is not None:
            return refused
        found = self._studies.returning(code)
        if found is not None:
            study, participant = found
            _let_in(study, participant)
            return jsonify(returned=True)
        invited = self._studies.invited(code)
        if invited is None:
            return self._wrong()
        _keep_out_of_the_audit(invited)
        questions = len(trials_of(invited.plan, 0))
        minutes = max(1, round(questions * SECONDS_EACH / 60))
        return jsonify(title=invited.plan.title, questions=questions, minutes=minutes)

    @everybody
    def join(self) -> Response:
        """POST /participate/join {"code": ..., "consent": true, "familiarity": ...}"""
        body = body_of({"code": str, "consent": bool, "familiarity": str})
        if body["consent"] is not True:
            raise StudyError("nobody takes part who did not agree; set consent to true")
        levels = list(Familiarity)
        if body["familiarity"] not in levels:
            found = body["familiarity"][:40]
            raise StudyError(f"familiarity: found {found!r}, allowed {', '.join(levels)}")
        refused = self._limit_attempts(counted=False)
        if refused is not None:
            return refused
        study = self._studies.invited(read_code(body["code"]) or "")
        if study is None:
            return self._wrong()
        today = datetime.now(UTC).date().isoformat()
        participant, code = study.book.join(Familiarity(body["familiarity"]), today)
        _let_in(study, participant)
        return jsonify(code=code)

    @needs(Role.PARTICIPANT)
    def next(self) -> Response:
        """GET /participate/next: the question to answer now, or that there is none left."""
        sitting = self._sitting()
        question = sitting.next()
        if question is None:
            return jsonify(done=True)
        return jsonify(question=asdict(question), upcoming=sitting.upcoming())

    @needs(Role.PARTICIPANT)
    def answer(self) -> Response:
        """POST /participate/answer {"trial", "key", "choice", "rt_ms"}: the first one stays."""
        body = body_of({"trial": int, "key": str, "choice": str, "rt_ms": int})
        stands = self._sitting().answer(body["trial"], body["key"], body["choice"], body["rt_ms"])
        return jsonify(choice=stands.choice)

    @needs(Role.PARTICIPANT)
    def confidence(self) -> Response:
        """POST /participate/confidence {"trial", "key", "confidence"}"""
        body = body_of({"trial": int, "key": str, "confidence": int})
        self._sitting().say_confidence(body["trial"], body["key"], body["confidence"])
        return jsonify(ok=True)

    @needs(Role.PARTICIPANT)
    def withdraw(self) -> Response:
        """POST /participate/withdraw {"confirm": true}: deletes all that they said."""
        check_confirmed(body_of({"confirm": bool}))
        self._study().book.withdraw(who().name)
        return jsonify(ok=True)

    @needs(Role.PARTICIPANT)
    def picture(self, sha256: str) -> Response:
        """GET /participate/pictures/<sha256>.jpg: one of their study."""
        return jpeg(self._study(), sha256)

    def _sitting(self) -> Sitting:
        return Sitting(self._study(), who().name)

    def _study(self) -> Study:
        study_id = who().study_id
        if study_id is None:
            raise StudyUnknown("you take part in no study; enter your code at /participate")
        return self._studies.study(study_id)

    def _door(self) -> str:
        return render_template(
            "study_door.html", levels=list(Familiarity), some_open=self._studies.some_open
        )

    def _wrong(self) -> Response:
        # Only wrong codes count: a room full of people with the right one shares an address. After
        # too many of them no code is looked at for a while, the right one neither.
        return self._limit_attempts() or problem(403, NOT_KNOWN)


def jpeg(study: Study, sha256: str) -> Response:
    """A picture of a study, as it will always be.

    Raises:
        StudyError: It has none such, or not any more.
    """
    answer = Response(study.picture(sha256), mimetype="image/jpeg")
    answer.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return answer


def _let_in(study: Study, participant: Participant) -> None:
    admit(study.id, participant.id)
    _keep_out_of_the_audit(study)


def _keep_out_of_the_audit(study: Study) -> None:
    """Whoever was invited is a participant from here on, of whom no address is written down."""
    g.person = Person("-", Role.PARTICIPANT, study.id)


def _code() -> str:
    typed = body_of({"code": str})["code"]
    code = read_code(typed)
    if code is None:
        raise StudyError("a code has 8 or 16 letters and digits, such as 7K2M-X9TQ; check it")
    return code

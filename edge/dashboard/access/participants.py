"""Sessions of those who take part in a study: they reach nothing but its questions."""

from flask import current_app

from edge.dashboard.access import cookies
from edge.dashboard.access.gate import Gate


def admit(study_id: str, participant: str) -> None:
    """Let a participant into their study; from now on `who()` is them, and only them.

    Args:
        study_id: The study.
        participant: What they are known under in it; no name.
    """
    gate = current_app.extensions["gate"]
    if not isinstance(gate, Gate):
        raise TypeError("the application has no gate")
    cookies.admit(gate.sessions, participant, study_id)

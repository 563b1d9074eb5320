"""The session in a cookie: its secret, signed, besides the page's token against forged requests."""

from flask import session

from edge.access.sessions import Session, Sessions

_SECRET = "session"


def log_in(sessions: Sessions, user: str) -> None:
    """Begin a session of a user; whatever was in the cookie before is over."""
    log_out(sessions)
    session[_SECRET] = sessions.begin(user)
    session.permanent = True


def admit(sessions: Sessions, participant: str, study_id: str) -> None:
    """Begin the session of a participant; whoever was logged in here before no longer is."""
    log_out(sessions)
    session[_SECRET] = sessions.begin_participant(participant, study_id)


def log_out(sessions: Sessions) -> None:
    """End the session of this cookie, and begin with an empty one: its page token dies with it."""
    secret = session.get(_SECRET)
    try:
        if isinstance(secret, str):
            sessions.end(secret)
    finally:
        session.clear()  # Also where the disk is full: this browser forgets it.


def current(sessions: Sessions) -> Session | None:
    """The session of this request; None where there is none that lasts."""
    secret = session.get(_SECRET)
    return sessions.find(secret) if isinstance(secret, str) else None


def prove(sessions: Sessions) -> None:
    """Note that the password was just given."""
    secret = session.get(_SECRET)
    if isinstance(secret, str):
        sessions.prove(secret)

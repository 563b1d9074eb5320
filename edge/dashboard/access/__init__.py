"""Who may call what: every route says whom it needs, and the gate refuses all others.

needs.py         what a route asks of who calls it
gate.py          lets people in, or not; writes down what they changed
cookies.py       the session in a cookie
participants.py  sessions of those who take part in a study
views.py         logging in and out, the set-up, the account and the users
"""

from edge.access.roles import Person, Role
from edge.dashboard.access.needs import Needs, everybody, needs, needs_of, who

__all__ = ["Needs", "Person", "Role", "everybody", "needs", "needs_of", "who"]

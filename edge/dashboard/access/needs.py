"""What a route asks of who calls it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import g

from edge.access.roles import Person, Role

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Needs:
    """What a route asks of who calls it.

    Attributes:
        role: The least; None lets everybody in.
        fresh: Whether the password must have been given within the last minutes.
        max_body: Bytes of the body; None for the usual few.
        audited: Whether a change is written down with who made it; False for what a page sends
            by itself again and again.
    """

    role: Role | None
    fresh: bool = False
    max_body: int | None = None
    audited: bool = True


def needs(
    role: Role, *, fresh: bool = False, max_body: int | None = None, audited: bool = True
) -> Callable[[View], View]:
    """Declare what a view asks of who calls it; a route without that is refused at start.

    Example:
        @needs(Role.TECHNICIAN)
        def correct(self, item_id: int) -> Response: ...
    """
    return _declared(Needs(role, fresh, max_body, audited))


def everybody(view: View) -> View:
    """Declare that a view may be reached without logging in."""
    return _declared(Needs(None))(view)


def needs_of(view: Callable[..., Any] | None) -> Needs | None:
    """What a view declared; None where it declared nothing."""
    found = getattr(view, "needs", None)
    return found if isinstance(found, Needs) else None


def who() -> Person:
    """Who asks, in a request that was let in.

    Raises:
        RuntimeError: The route lets everybody in, and nobody is logged in.
    """
    person = g.get("person")
    if not isinstance(person, Person):
        raise RuntimeError("nobody is logged in; this route lets everybody in")
    return person


def _declared(declared: Needs) -> Callable[[View], View]:
    def declare(view: View) -> View:
        view.needs = declared  # type: ignore[attr-defined]
        return view

    return declare

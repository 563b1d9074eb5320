"""Who may ask for what: trusted hosts, same-origin mutations, headers and errors."""

import re
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, UnsupportedMediaType

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
MAX_BODY_BYTES = 4096
MUTATION_HEADER = "X-Bricksight"
_PORT = re.compile(r":[0-9]+$")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def install(app: Flask, trusted_hosts: Iterable[str]) -> None:
    """Put every request behind the guard.

    Args:
        app: Before its first request.
        trusted_hosts: What the address bar may say; any other Host is refused, so that a foreign
            name that is pointed at this device reads and does nothing (DNS rebinding).
    """
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.before_request(partial(refuse_foreign_hosts, frozenset(map(str.lower, trusted_hosts))))
    app.before_request(refuse_foreign_mutations)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, http_error)


def refuse_foreign_hosts(trusted: frozenset[str]) -> None:
    """Answer only who asks for this device by a name of its own.

    This is Flask's TRUSTED_HOSTS, which cuts a trusted "[::1]" at its first colon and then never
    matches it.

    Raises:
        BadRequest: The Host is another one, is missing, or is no host.
    """
    if _PORT.sub("", request.host).lower() not in trusted:
        raise BadRequest


def refuse_foreign_mutations() -> None:
    """Let nothing be changed but by this page itself.

    A foreign site can send a form or a plain fetch here, but neither our header nor our origin.

    Raises:
        Forbidden: The request would change something and does not come from the page.
    """
    if request.method in SAFE_METHODS:
        return
    if request.headers.get(MUTATION_HEADER) != "1":
        raise Forbidden(
            f"found no header {MUTATION_HEADER}: 1; send it with every {request.method}"
        )
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden(f"the request comes from another site; expected {request.host_url}")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("the request comes from another site; use the page of this device")


def json_body(allowed: frozenset[str]) -> dict[str, Any] | None:
    """The JSON object of a request.

    Args:
        allowed: The keys it may have.

    Returns:
        The object, or None where the body is something else.

    Raises:
        UnsupportedMediaType: It does not call itself JSON.
    """
    if not request.is_json:
        raise UnsupportedMediaType("expected Content-Type: application/json")
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) and set(body) <= allowed else None


def add_headers(response: Response) -> Response:
    """Give a response the headers that every one has; what names no cache is never stored."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def http_error(error: HTTPException) -> Response | HTTPException:
    """An error as JSON: what was found and what to do, never a stack trace."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    message = _OURS.get(error.code) or error.description or str(error.code)
    answer = problem(error.code, message)
    if "Allow" in (headers := dict(error.get_headers())):
        answer.headers["Allow"] = headers["Allow"]
    return answer


def problem(status: int, message: str, **more: object) -> Response:
    """A JSON answer that says what went wrong."""
    answer = jsonify(error=message, status=status, **more)
    answer.status_code = status
    return answer


# Werkzeug's own sentences speak of browsers and proxies.
_OURS = {
    400: "the request cannot be read, or names a host that is not trusted",
    404: "there is nothing at this address",
    405: "this address does not take that method",
    413: f"the body is too large; at most {MAX_BODY_BYTES} bytes",
    500: "something went wrong inside; the log says what",
}

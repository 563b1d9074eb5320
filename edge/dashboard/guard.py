"""What holds for every request: trusted hosts, no foreign origins, headers and errors."""

import json
import logging
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, UnsupportedMediaType

from edge.dashboard.hosts import Hosts
from edge.errors import EdgeError

MAX_BODY_BYTES = 4096
MAX_SAID = 500
log = logging.getLogger(__name__)
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


def install(app: Flask, hosts: Hosts) -> None:
    """Put every request behind the guard.

    Args:
        app: Before its first request.
        hosts: What the address bar may say; any other Host is refused, so that a foreign name
            that is pointed at this device reads and does nothing.
    """
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.before_request(partial(refuse_foreign_hosts, hosts))
    app.before_request(refuse_foreign_mutations)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(EdgeError, edge_error)


def refuse_foreign_hosts(hosts: Hosts) -> None:
    """Answer only who asks for this device by a name of its own.

    This is Flask's TRUSTED_HOSTS, which cuts a trusted "[::1]" at its first colon and then never
    matches it.

    Raises:
        BadRequest: The Host is another one, is missing, or is no host.
    """
    if not hosts.trusts(request.host):
        raise BadRequest


def refuse_foreign_mutations() -> None:
    """Let nothing be changed from the page of another site.

    Raises:
        Forbidden: The request would change something and its browser says that it comes from
            elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    if origin is not None and _host_of(origin) != request.host:
        raise Forbidden(f"the request comes from another site; expected {request.host_url}")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("the request comes from another site; use the page of this device")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""  # Such as "http://[".


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
    body = json_or_none()
    return body if body is not None and set(body) <= allowed else None


def json_or_none() -> dict[str, Any] | None:
    """The JSON object of a request; None where its body is something else, or no text."""
    try:
        body = request.get_json(silent=True)
        json.dumps(body, ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError):
        return None  # Nested a thousand deep, or half a character: neither can be stored.
    return body if isinstance(body, dict) else None


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
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        message = f"the body is too large; at most {request.max_content_length} bytes"
    answer = problem(error.code, message)
    if "Allow" in (headers := dict(error.get_headers())):
        answer.headers["Allow"] = headers["Allow"]
    return answer


def edge_error(error: EdgeError) -> Response:
    """What the device cannot do just now, such as write to a full disk."""
    log.error("%s", error)
    return problem(503, str(error)[:MAX_SAID])


def problem(status: int, message: str, **more: object) -> Response:
    """An answer that says what went wrong: JSON, or a page for a person who looks at one."""
    if (
        status in _SHOWN
        and request.method == "GET"
        and "text/html" in request.headers.get("Accept", "")
    ):
        answer = make_response(render_template("problem.html", status=status, message=message))
    else:
        answer = jsonify(error=message, status=status, **more)
    answer.status_code = status
    return answer


_SHOWN = frozenset({403, 404, 409, 503})
# Werkzeug's own sentences speak of browsers and proxies.
_OURS = {
    400: "the request cannot be read, or names a host that is not trusted",
    404: "there is nothing at this address",
    405: "this address does not take that method",
    500: "something went wrong inside; the log says what",
}

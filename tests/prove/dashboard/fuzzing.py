"""Requests out of chance over every route: valid ones, bent ones and nonsense.

Names of arguments and body keys are read from the dashboard's own source, so that new routes are
tried with what they understand.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from tests.bench.subject import ROOT

SOURCE = ROOT / "edge" / "dashboard"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
TEXTS = (
    "", "0", "1", "-1", "7", "3001", "abc", "ada", "viewer", "frame", "map", "csv", "true", "NaN",
    "1e309", "-0", "9" * 30, "9223372036854775807", "9223372036854775808", "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd", "/etc/passwd", "<script>alert(1)</script>", "' OR 1=1 --", "\x00",
    "\r\nX-Injected: 1", "{{7*7}}", "%s%n", "ü", "漢字", "\u202e", "\U0001f9f1", "a" * 3000,
    "2026-01-01", "1970-01-01T00:00", "99999-99-99",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 0.5, -0.0, 1e308, 2**31, 2**53, 2**63, 2**64, 10**40, [],
    {}, [1, 2], ["3001"], ["3001", "3001"], [[[]]], {"a": 1}, *TEXTS, "\ud800",
)  # fmt: skip
BODIES = (b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 3000, b'{"a":' * 800, b"x" * 5000)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Accept": "text/html"},
    {"If-None-Match": 'W/"x"'},
    {"Range": "bytes=5-2"},
    {"Cookie": "bricksight=x; session=y"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/json; charset=utf-7"},
    {"Content-Length": "-1"},
    {"Accept-Language": "x" * 2000},
    {"X-Forwarded-Host": "evil.example"},
    {"Origin": "http://evil.example"},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Authorization": "Bearer x"},
    {"Host": "evil.example"},
    {"Host": "localhost:99999"},
)
MARKS_OF_A_TRACE = (b"Traceback (most recent", b'File "/', b"werkzeug", b"sqlite3.")


@dataclass(slots=True)
class Fuzzed:
    """What came of it.

    Attributes:
        statuses: How often each was answered.
        faults: What must not be: a request, and what was wrong with its answer.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many requests were answered."""
        return self.statuses.total()


def fuzz(
    app: Flask,
    count: int,
    seed: int,
    *,
    login: Callable[[Any], dict[str, str]],
    methods: Iterable[str] = METHODS,
    leave: Iterable[str] = (),
) -> Fuzzed:
    """Send requests to an application.

    Args:
        app: To be tried.
        count: How many.
        seed: Of what is chosen.
        login: Gives the headers of somebody who is logged in, for a client; {} for nobody.
        methods: Which are used.
        leave: Routes that are not called.
    """
    chance = random.Random(seed)
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule not in set(leave)]
    arguments, keys = _names()
    found = Fuzzed()
    client = app.test_client()
    headers = login(client)
    for _ in range(count):
        rule = chance.choice(rules)
        method = _method(chance, rule, tuple(methods))
        asked = headers | (chance.choice(HEADERS) if chance.random() < 0.3 else {})
        path = _path(chance, rule)
        query = {chance.choice(arguments): chance.choice(TEXTS) for _ in range(chance.randrange(3))}
        body: dict[str, Any] = {}
        if method not in ("GET", "HEAD"):
            body = _body(chance, keys)
            if "data" in body:
                asked.setdefault("Content-Type", "application/json")
        answer = client.open(path, method=method, query_string=query, headers=asked, **body)
        data = answer.get_data()
        answer.close()
        found.statuses[answer.status_code] += 1
        wrong = _wrong(answer.status_code, data, answer.headers)
        if wrong:
            found.faults.append(f"{method} {path[:80]} {query} {str(body)[:120]}: {wrong}")
    return found


def _wrong(status: int, data: bytes, headers: Any) -> str:
    """What is wrong with an answer; "" where nothing is."""
    if status >= 500 and not (status == 503 and (b"error" in data or not data)):
        return f"{status} {data[:200]!r}"
    if any(mark in data for mark in MARKS_OF_A_TRACE):
        return f"a trace in {data[:200]!r}"
    if "X-Injected" in headers:
        return "a header was slipped in"
    if headers.get("Content-Security-Policy", "").find("default-src 'none'") < 0:
        return "no content security policy"
    return ""


def _method(chance: random.Random, rule: Rule, methods: tuple[str, ...]) -> str:
    own = [method for method in (rule.methods or ()) if method in methods]
    return chance.choice(own) if own and chance.random() < 0.8 else chance.choice(methods)


def _path(chance: random.Random, rule: Rule) -> str:
    def value(match: re.Match[str]) -> str:
        if match.group(1) == "int" and chance.random() < 0.7:
            return str(chance.choice((0, 1, 2, 7, 84, 85, 2**31, 2**63 - 1, 2**63, 10**25)))
        text = chance.choice(TEXTS)
        return text.replace("/", "%2f") or "x"

    return re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", value, rule.rule)


def _body(chance: random.Random, keys: list[list[str]]) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.15:
        return {"data": chance.choice(BODIES)}
    if kind < 0.2:
        return {"data": {"name": "ada", "password": "x"}, "content_type": None}
    chosen = list(chance.choice(keys))
    if chance.random() < 0.2:
        chosen = [*chosen[1:], "more"]
    body = {key: chance.choice(VALUES) for key in chosen}
    if "confirm" in body and chance.random() < 0.7:
        body["confirm"] = True
    return {"data": json.dumps(body).encode(), "content_type": "application/json"}


def _names() -> tuple[list[str], list[list[str]]]:
    """Arguments of queries, and sets of body keys, that the dashboard's source speaks of."""
    text = "".join(path.read_text(encoding="utf-8") for path in _sources())
    arguments = sorted(set(re.findall(r'args\.get\(\s*"(\w+)"', text)) | {"look", "scale", "x"})
    sets = re.findall(r"(?:frozenset\(\{|_texts\()([^)}]*)[)}]", text)
    keys = {tuple(re.findall(r'"(\w+)"', inside)) for inside in sets}
    return arguments, [list(names) for names in sorted(keys) if names]


def _sources() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))

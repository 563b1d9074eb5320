"""Who gets in without logging in, and what a fuzzer brings down."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from edge.app import App
from edge.config import read_config
from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.dashboard.device import DEMO
from tests.prove.dashboard.fuzzing import Fuzzed, fuzz

LISTED = {
    "/login",
    "/logout",
    "/setup",
    "/participate",
    "/participate/code",
    "/participate/join",
    "/livez",
    "/readyz",
    "/api/page-token",
    "/static/<path:filename>",
}
REQUESTS, QUICK_REQUESTS = 10_000, 800
SHOWN = 10


def open_rows(proof: Proof) -> list[Row]:
    """Every method of every route, asked by a stranger."""
    with _built(proof.folder) as (app, _):
        answers = list(_strangers(app.dashboard))
    reached = {rule for rule, _, status in answers if status != 401}
    beyond = sorted(reached - LISTED)
    note = f"{len(answers)} asked; open: {', '.join(sorted(reached & LISTED))}"
    return [
        Row(
            "routes open beyond the listed",
            Reach("at most", 0),
            len(beyond),
            f"{beyond or note}",
            0,
        )
    ]


def fuzz_rows(proof: Proof) -> list[Row]:
    """Half of all requests by nobody, half by an admin; of each half, half only read."""
    count = proof.amount(REQUESTS, QUICK_REQUESTS) // 4
    with _built(proof.folder) as (app, headers):
        reading = ("GET", "HEAD")
        before = _state(app, proof.folder)
        done = [
            fuzz(app.dashboard, count, 1, login=lambda _: {}, methods=reading),
            fuzz(app.dashboard, count, 2, login=lambda _: dict(headers), methods=reading),
        ]
        changed = sorted(
            name for name, digest in _state(app, proof.folder).items() if before.get(name) != digest
        )
        done += [
            fuzz(app.dashboard, count, 3, login=lambda _: {}),
            fuzz(app.dashboard, count, 4, login=lambda _: dict(headers), leave=["/logout"]),
        ]
    faults = [fault for part in done for fault in part.faults]
    return [
        Row(
            "requests answered by the fuzzed pages",
            Reach("at least", 4 * count),
            sum(part.sent for part in done),
            _statuses(done),
            0,
        ),
        Row(
            "5xx, traces, missing headers",
            Reach("at most", 0),
            len(faults),
            "; ".join(faults[:SHOWN]),
            0,
        ),
        Row("what reading changed", Reach("at most", 0), len(changed), ", ".join(changed), 0),
    ]


def _strangers(app: Any) -> Iterator[tuple[str, str, int]]:
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>", "1", rule.rule)
        for method in sorted(rule.methods or ()):
            answer = app.test_client().open(path, method=method)
            answer.close()
            yield rule.rule, method, answer.status_code


@contextmanager
def _built(folder: Path) -> Iterator[tuple[App, dict[str, str]]]:
    """The app, started, and the headers of an admin's script."""
    home = folder / "fuzzed"
    home.mkdir(parents=True, exist_ok=True)
    for path in home.rglob("*"):
        if path.is_file():
            path.unlink()
    config = read_config(DEMO)
    settings = home / "edge.toml"
    settings.write_bytes(DEMO.read_bytes())
    app = App(
        replace(
            config,
            path=settings,
            dashboard=config.dashboard.model_copy(update={"port": 0}),
            journal=replace(config.journal, path=home / "journal.sqlite"),
        )
    )
    with AccessStore(access_path(home / "journal.sqlite")) as store:
        token = Tokens(store).add("fuzzer", Role.ADMIN)
    app.start()
    try:
        while len(app.board.current().recent) < 2 and not app.wait(0.1):
            pass
        # Nothing but what is asked for changes from here on.
        app.requests.put = _counting(app)  # type: ignore[method-assign]
        yield app, {"Authorization": f"Bearer {token}"}
    finally:
        app.stop()


def _counting(app: App) -> Any:
    """The queue's `put`, which leaves a mark that it was called."""
    put = app.requests.put
    app.requests_put = 0  # type: ignore[attr-defined]

    def counted(*values: Any, **named: Any) -> bool:
        app.requests_put += 1  # type: ignore[attr-defined]
        return put(*values, **named)

    return counted


def _state(app: App, folder: Path) -> dict[str, str]:
    """Digests of all that a request could change: settings, users, studies, corrections, wishes."""
    found = {"requests to the pipeline": str(app.requests_put)}  # type: ignore[attr-defined]
    home = folder / "fuzzed"
    with AccessStore(access_path(home / "journal.sqlite")) as store:
        for table in ("users", "tokens", "audit", "sessions"):
            rows = [tuple(row) for row in store.read(f"SELECT * FROM {table}")]
            found[table] = repr(rows)
    for path in sorted(home.rglob("*")):
        # The journal itself goes on by what the camera sees.
        if path.is_file() and "journal.sqlite" not in path.name and ".frames" not in str(path):
            found[str(path.relative_to(home))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _statuses(done: list[Fuzzed]) -> str:
    counted = sum((part.statuses for part in done), start=done[0].statuses.__class__())
    return ", ".join(f"{status}: {times}" for status, times in sorted(counted.items()))

"""The study's pages on the dashboard, with studies that need no model."""

import re
import sys
from pathlib import Path
from typing import Any

from dashboard_rig import World
from flask import Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

# The builders of studies, also where only this folder is run.
sys.path.insert(0, str(Path(__file__).parents[1] / "study"))

from study_builders import NOW, always, conduct, make, scene

from edge.config import SHIPPED_BUNDLE
from edge.dashboard.study.pages import blueprint
from edge.study.child import Maker
from edge.study.studies import Studies
from edge.study.study import Study

__all__ = ["NOW", "StudyWorld", "Visitor", "always", "conduct", "make", "scene"]
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class StudyWorld:
    """A dashboard with studies, and a folder of folders with pictures for new ones."""

    def __init__(self, folder: Path) -> None:
        self.studies = Studies(folder / "studies")
        self.sources = folder / "sources"
        self.sources.mkdir()
        self.maker = Maker(self.studies, SHIPPED_BUNDLE, None, self.sources)
        pages = blueprint(self.studies, self.maker, self._limit)
        self.world = World(folder, pages=(pages,))

    def staff(self) -> "Visitor":
        """A script with an admin's token."""
        return Visitor(self.world.client())

    def visitor(self) -> "Visitor":
        """A browser nobody is logged in with."""
        return Visitor(self.world.app.test_client())

    def open_study(self, **values: Any) -> Study:
        """A study that people can take part in."""
        study = make(self.studies, **values)
        study.book.open(NOW)
        return study

    def _limit(self, *, counted: bool = True) -> Response | None:
        return self.world.gate.limit_attempts(counted=counted)

    def close(self) -> None:
        self.maker.close()
        self.world.store.close()


class Visitor:
    """Somebody on the study's pages; posts with the token of the page they see."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.scripted = "HTTP_AUTHORIZATION" in client.environ_base

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def post(self, path: str, body: object) -> TestResponse:
        headers = {}
        if not self.scripted:
            found = _TOKEN.search(self.client.get("/participate").text)
            assert found is not None
            headers["X-CSRF-Token"] = found[1]
        return self.client.post(path, json=body, headers=headers)

    def join(self, study: Study, familiarity: str = "familiar") -> str:
        """Take part; returns one's own code."""
        code = study.book.standing().invitation
        body = {"code": code, "consent": True, "familiarity": familiarity}
        answer = self.post("/participate/join", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json["code"])

    def question(self) -> dict[str, Any]:
        """What is asked now."""
        answer = self.get("/participate/next")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json["question"]
        return found

    def say(self, choice: str, question: dict[str, Any] | None = None) -> TestResponse:
        """Answer a question, by default the one that is asked now."""
        asked = question or self.question()
        body = {"trial": asked["number"], "key": asked["key"], "choice": choice, "rt_ms": 700}
        return self.post("/participate/answer", body)

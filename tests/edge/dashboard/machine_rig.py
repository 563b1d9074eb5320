"""The pages of bins and machine over a real journal and a real edge.toml."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from dashboard_rig import USERS, World
from flask.testing import FlaskClient
from pipeline_rig import BINS, BRICKS, REST, REVIEW, SORTED_INDEX, Rig, scene

from edge.bundle import Bundle
from edge.config import read_config
from edge.dashboard.bins.pages import blueprint as bin_pages
from edge.dashboard.machine.pages import blueprint as machine_pages
from edge.domain import Frame
from edge.policy import Policy
from edge.tuning.checking import check_text, checked
from edge.tuning.file import SettingsFile

__all__ = ["BINS", "BRICKS", "REST", "REVIEW", "SORTED_INDEX", "MachineWorld", "scene"]
TEXT = """\
[camera]
source = "pictures"

[sorting]
mode = "single"
unknown_bin = "rest"
review_bin = "review"
wanted_bin = "bricks"

[[bin]]
number = 1
name = "bricks"
labels = ["{label}"]
capacity = 3
overflow = "rest"

[[bin]]
number = 2
name = "rest"

[[bin]]
number = 3
name = "review"

[[wanted]]
label = "{label}"
quantity = 4
"""


class MachineWorld:
    """A pipeline with a simulated machine whose board and queue are those of a dashboard."""

    def __init__(self, folder: Path, bundle: Bundle, **rig: Any) -> None:
        self.path = folder / "edge.toml"
        text = TEXT.format(label=bundle.labels[SORTED_INDEX].id)
        self.path.write_text(text, encoding="utf-8")
        config = read_config(self.path)
        self.policy: Policy = config.policy
        policy = {key: getattr(config.policy, key) for key in config.policy.__dataclass_fields__}
        self.rig = Rig(folder, bundle, policy=policy, **rig)
        self.rig.run(0.5)
        about = self.rig.board.current().about
        self.restarted = 0
        self._tokens: dict[str, str] = {}
        self.whole: Frame | None = None
        self.file = SettingsFile(
            self.path, partial(check_text, self.path, bundle), checked(config, bundle)
        )
        self.world = World(folder, pages=())
        self.world.board, self.world.requests = self.rig.board, self.rig.requests
        self.show(about, bundle, config.policy)
        self.world.options = {"pages": self._pages()}
        self.world.app = self.world._app(clock=lambda: self.rig.now_s)
        self.client: FlaskClient = self.world.client()

    def show(self, about: Any, bundle: Bundle, policy: Policy) -> None:
        """Let the board say what an app would have it say."""
        bins = tuple((bin_, policy.capacity_of(bin_.name)) for bin_ in policy.bins)
        thresholds = tuple(map(float, bundle.thresholds))
        about = replace(about, bins=bins, wanted=bool(policy.wanted), thresholds=thresholds)
        self.rig.board.replace(replace(self.rig.board.current(), about=about))

    def as_(self, name: str) -> FlaskClient:
        """A script with the token of a role: vera, tess or ada."""
        if name not in self._tokens:
            self._tokens[name] = self.world.gate.tokens.add(f"{name}s", USERS[name])
        client = self.world.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self._tokens[name]}"
        return client

    def close(self) -> None:
        self.rig.pipeline.close()
        self.world.store.close()

    def _pages(self) -> list[Any]:
        board, journal = self.rig.board, self.rig.path
        return [
            bin_pages(board, journal, self.policy),
            machine_pages(
                board, self.rig.requests, journal, self.file, lambda: self.whole, self._restart
            ),
        ]

    def _restart(self) -> None:
        self.restarted += 1

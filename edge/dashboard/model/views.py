"""What the routes of the model's page answer."""

import secrets
from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, render_template

from edge.bundle import Bundle
from edge.dashboard.access import Role, needs, who
from edge.dashboard.guard import json_body, problem
from edge.dashboard.model.facts import facts_of, files_of
from edge.dashboard.model.figures import pictures_of, tiles_of
from edge.dashboard.model.markdown import blocks_of
from edge.dashboard.model.plots import precision_bars, precision_recall, reliability
from edge.dashboard.model.staged import staged_models, standing_of
from edge.dashboard.model.tables import all_else, label_rows, look_alikes, strata_of
from edge.dashboard.values import Json, printable
from edge.swap.evaluation import read_evaluation, read_text
from edge.swap.starting import Live
from edge.swap.swapper import Swapper
from edge.swap.verifying import Verified


class ModelViews:
    """What the model is, how well it does, and which one is live.

    Args:
        swapper: Makes another one live.
        live: What the device began with.
        bundle: The same, with the thresholds that are used.
    """

    def __init__(self, swapper: Swapper, live: Live, bundle: Bundle) -> None:
        self._swapper = swapper
        self._live, self._bundle = live, bundle
        self._run = secrets.token_hex(8)
        self._told = swapper.places.shown(live.notice)

    @needs(Role.VIEWER)
    def page(self) -> str:
        """GET /model"""
        bundle = self._bundle
        standing, notice = standing_of(self._swapper)
        running = self._live.entry.id
        return render_template(
            "model.html",
            name=printable(bundle.manifest.name),
            run=self._run,
            notice=printable(notice or self._told),
            facts=facts_of(bundle),
            files=files_of(bundle),
            tested=bundle.self_test,
            tolerance=bundle.manifest.self_test.tolerance,
            staged=staged_models(self._swapper, running, bundle, standing),
            folder=self._swapper.places.staged.name,
            before=_before(standing.previous),
            on_trial=standing.live.id == running and standing.starts > 0,
            **self._evaluated(),
        )

    @needs(Role.VIEWER)
    def state(self) -> Response:
        """GET /api/model: which model runs, and which is live from the next start on."""
        standing, notice = standing_of(self._swapper)
        return jsonify(
            run=self._run,
            name=printable(self._bundle.manifest.name),
            running=self._live.entry.id,
            live=standing.live.id,
            previous=standing.previous.id if standing.previous else None,
            notice=printable(notice or self._told),
        )

    @needs(Role.TECHNICIAN)
    def self_test(self) -> Response:
        """POST /api/model/self-test {}: tries the model that runs, in a process of its own."""
        if json_body(frozenset()) is None:
            return problem(400, "expected {}")
        return jsonify(_verified(self._swapper.self_test(self._bundle.folder)))

    @needs(Role.ADMIN, fresh=True)
    def swap(self) -> Response:
        """POST /api/model/swap {"bundle": "<id>"}: tries it, then the device begins anew."""
        body = json_body(frozenset({"bundle"}))
        model_id = body.get("bundle") if body else None
        if not isinstance(model_id, str):
            return problem(400, 'expected {"bundle": "<id>"} with the id of a staged model')
        found = self._swapper.swap(model_id, who().name)
        return jsonify(_verified(found) | {"restarting": True})

    @needs(Role.ADMIN, fresh=True)
    def roll_back(self) -> Response:
        """POST /api/model/rollback {}: to the model before; the device begins anew."""
        if json_body(frozenset()) is None:
            return problem(400, "expected {}")
        found = self._swapper.roll_back(who().name)
        return jsonify(_verified(found) | {"restarting": True})

    @needs(Role.TECHNICIAN)
    def dismiss(self) -> Response:
        """POST /api/model/notice/dismiss {}: somebody has read it."""
        if json_body(frozenset()) is None:
            return problem(400, "expected {}")
        self._swapper.dismiss()
        self._told = ""
        return jsonify(ok=True)

    def _evaluated(self) -> dict[str, Any]:
        bundle, files = self._bundle, self._bundle.manifest.files
        values = read_evaluation(bundle.path("evaluation"), files["evaluation"].sha256)
        card = read_text(bundle.path("model_card"), files["model_card"].sha256)
        rows = label_rows(bundle, values)
        return {
            "evaluated": bool(values),
            "tiles": tiles_of(values),
            "pictures": pictures_of(values),
            "rows": rows,
            "labels": len(bundle.labels),
            "bars": precision_bars(rows, values),
            "reliability": reliability(values),
            "precision_recall": precision_recall(rows),
            "strata": strata_of(values),
            "pairs": look_alikes(bundle, values),
            "rest": all_else(values),
            "card": None if card is None else blocks_of(card),
        }


def _before(entry: Any) -> str | None:
    return None if entry is None else printable(entry.called)


def _verified(found: Verified) -> Json:
    return {
        "name": printable(found.name),
        "runtime": found.runtime,
        "tolerance": found.tolerance,
        "seconds": round(found.seconds, 2),
        "gradcam_ms": round(found.gradcam_ms, 1),
        "pictures": [asdict(one) for one in found.pictures],
    }

"""Settings on the machine's page: shown, tried on the last items, applied, undone."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Response, jsonify

from edge.board import Board
from edge.dashboard.access import Role, needs
from edge.dashboard.guard import json_body, problem
from edge.dashboard.values import Json, label_of, number, printable, threshold_of
from edge.decision import Verdict
from edge.errors import ConfigError, TuningConflict, TuningError
from edge.replay import Side
from edge.tuning.file import SettingsFile
from edge.tuning.preview import LAST, Elsewhere, preview
from edge.tuning.settings import SETTINGS, Change, Checked, Setting, change_of
from sorter_firmware_bridge.bins import Bin

MAX_BODY = 16_384
SHOWN = 20


class SettingsViews:
    """Settings that may be changed from the page.

    Args:
        board: Says which labels there are.
        journal: On whose last items a change is tried.
        file: Where it is written.
        restart: Asks the app to start anew, with what the file says then.
    """

    def __init__(
        self, board: Board, journal: Path, file: SettingsFile, restart: Callable[[], None]
    ) -> None:
        self._board = board
        self._journal = journal
        self._file = file
        self._restart = restart

    @needs(Role.VIEWER)
    def shown(self) -> Response:
        """GET /api/settings"""
        try:
            standing = self._file.standing()
        except TuningConflict as error:
            return problem(409, str(error))
        now = self._file.now
        region = now.region
        return jsonify(
            sha256=standing.sha256,
            loaded=self._file.loaded,
            undo=standing.undo,
            numbers=[_number(one, standing.numbers[one.path]) for one in SETTINGS],
            roi=[region.x, region.y, region.width, region.height],
            thresholds=[
                label_of(label)
                | {
                    "threshold": threshold_of(now.thresholds.get(label.id)),
                    "set": number(standing.thresholds.get(label.id)),
                }
                for label in self._board.current().about.labels
            ],
            last=LAST,
        )

    @needs(Role.TECHNICIAN, max_body=MAX_BODY)
    def preview(self) -> Response:
        """POST /api/settings/preview {"changes": {"sorting.margin": 0.3}}: changes nothing."""
        found = _change(json_body(frozenset({"changes"})))
        if isinstance(found, Response):
            return found
        try:
            then = self._file.proposed(found)
        except TuningConflict as error:
            return problem(409, str(error))
        except (TuningError, ConfigError) as error:
            return problem(400, str(error))
        return jsonify(self._previewed(then))

    @needs(Role.TECHNICIAN, max_body=MAX_BODY)
    def apply(self) -> Response:
        """POST /api/settings/apply {"changes": {...}, "sha256": "<seen>", "confirm": true}"""
        body = json_body(frozenset({"changes", "sha256", "confirm"}))
        found = _change(body)
        if isinstance(found, Response):
            return found
        return self._changed(body, lambda seen: self._file.apply(found, seen))

    @needs(Role.TECHNICIAN)
    def undo(self) -> Response:
        """POST /api/settings/undo {"sha256": "<seen>", "confirm": true}: the file before."""
        return self._changed(json_body(frozenset({"sha256", "confirm"})), self._file.undo)

    def _changed(self, body: dict[str, Any] | None, act: Callable[[str], None]) -> Response:
        seen = body.get("sha256") if body else None
        if body is None or not isinstance(seen, str) or body.get("confirm") is not True:
            return problem(
                400,
                "the device starts anew and the machine stops; expected the sha256 of the settings"
                ' that were looked at, and {"confirm": true}',
            )
        try:
            act(seen)
        except TuningConflict as error:
            return problem(409, str(error))
        except (TuningError, ConfigError) as error:
            return problem(400, str(error))
        self._restart()
        answer = jsonify(accepted=True, restarts=True)
        answer.status_code = 202
        return answer

    def _previewed(self, then: Checked) -> Json:
        found = preview(self._journal, self._file.now, then)
        names = {label.id: label.name for label in self._board.current().about.labels}
        bins = sorted({*found.before.bins, *found.after.bins} - {None}, key=_by_number)
        return {
            "items": found.before.bins.total(),
            "without_evidence": found.without_evidence,
            "bins": _counts([*bins, None], found.before.bins, found.after.bins, _bin_name),
            "reasons": _counts(
                sorted({*found.before.reasons, *found.after.reasons}),
                found.before.reasons,
                found.after.reasons,
                lambda reason: str(reason).replace("_", " "),
            ),
            "review": [number(_rate(side)) for side in (found.before, found.after)],
            "moved": len(found.elsewhere),
            "reworded": found.reworded,
            "elsewhere": [_elsewhere(one, names) for one in found.elsewhere[:SHOWN]],
        }


def _change(body: dict[str, Any] | None) -> Change | Response:
    values = body.get("changes") if body else None
    if not isinstance(values, dict):
        return problem(400, 'expected {"changes": {"sorting.margin": 0.3, ...}}')
    try:
        return change_of(values)
    except (TuningError, ConfigError) as error:
        return problem(400, str(error))


def _number(setting: Setting, value: float | None) -> Json:
    return {
        "path": setting.path,
        "name": setting.name,
        "unit": setting.unit,
        "low": setting.low,
        "high": setting.high,
        "default": setting.default,
        "value": value,
    }


def _counts(
    keys: Iterable[Any], before: Counter[Any], after: Counter[Any], name: Callable[[Any], str]
) -> list[Json]:
    return [
        {"name": printable(name(key)), "before": before[key], "after": after[key]} for key in keys
    ]


def _rate(side: Side) -> float:
    return side.review_rate


def _by_number(bin_: Bin | None) -> int:
    return bin_.number if bin_ else -1


def _bin_name(bin_: Bin | None) -> str:
    return f"{bin_.number} {bin_.name}" if bin_ else "not moved"


def _elsewhere(one: Elsewhere, names: Mapping[str, str]) -> Json:
    def side(verdict: Verdict) -> Json:
        return {
            "bin": printable(_bin_name(verdict.target)),
            "reason": str(verdict.reason),
            "text": printable(verdict.text),
        }

    seen = [printable(names.get(label_id, label_id)) for label_id in one.record.label_ids]
    return {
        "item_id": one.record.item_id,
        "labels": seen,
        "before": side(one.before),
        "after": side(one.after),
    }

"""Checks a device before it is trusted: every part in one list."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from edge.app import machine_opener
from edge.bundle import Bundle, read_bundle, with_thresholds
from edge.cameras import CameraSilent, open_camera
from edge.config import Config, check_against_bundle, read_config
from edge.domain import NOT_REPORTED
from edge.errors import ConfigError, EdgeError
from edge.interpreter import Interpreter, choose_runtime
from edge.policy_problems import machine_problems
from edge.self_test import replay_self_test
from edge.swap.settings import places_of
from edge.swap.starting import live_folder
from sorter_firmware_bridge.errors import BridgeError

FRAME_WAIT_S = 5.0
SHOWN_IDS = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was checked, whether it is well, what was found and what to do."""

    what: str
    ok: bool
    found: str


def check_all(path: Path) -> list[Finding]:
    """Check configuration, runtime, bundle, self-test, camera, machine, and bins against labels."""
    try:
        config = read_config(path)
    except ConfigError as error:
        return [Finding("configuration", False, escape(str(error)))]
    findings = [Finding("configuration", True, escape(str(path))), _try("runtime", _runtime)]
    try:
        bundle = read_bundle(live_folder(places_of(config)))
    except EdgeError as error:
        findings.append(Finding("bundle", False, escape(str(error))))
    else:
        findings += _with_bundle(config, bundle)
    findings.append(_try("camera", lambda: _camera(config)))
    findings.append(_try("machine", lambda: _machine(config)))
    return findings


def _with_bundle(config: Config, bundle: Bundle) -> list[Finding]:
    described = f"{bundle.manifest.name}, {len(bundle.labels)} labels, {bundle.sha256[:12]}"
    return [
        Finding("bundle", True, escape(described)),
        _try("self-test", lambda: _self_test(bundle)),
        _try("bins against labels", lambda: _bins(config, bundle)),
    ]


def _try(what: str, examine: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, escape(examine()))
    except (EdgeError, BridgeError) as error:
        return Finding(what, False, escape(str(error)))


def _runtime() -> str:
    return choose_runtime()[0]


def _self_test(bundle: Bundle) -> str:
    worst = replay_self_test(bundle, Interpreter(bundle.path("classifier")))
    test = bundle.manifest.self_test
    return (
        f"{len(test.pictures)} pictures, logits off by {worst:.3f} of their spread at most"
        f" (allowed {test.tolerance:.3f})"
    )


def _camera(config: Config) -> str:
    with open_camera(config.camera) as camera:
        try:
            frame = camera.next_frame(max(FRAME_WAIT_S, config.camera.read_timeout_s))
        except CameraSilent as error:
            raise EdgeError(
                f"{error} It opened and gave no frame; see that it is not covered or in use"
            ) from error
        height, width = frame.image.shape[:2]
        return f"{camera.description}, {width} x {height}"


def _machine(config: Config) -> str:
    opener = machine_opener(config)
    if opener is None:
        return "none configured; nothing will be moved"
    with opener() as driver:
        state, hello = driver.state(), driver.hello
        problems = machine_problems(config.policy, hello.bins)
        if problems:
            raise EdgeError("; ".join(problems))
        return f"{hello.kind}, {len(hello.bins)} bins, {state.condition.value}"


def _bins(config: Config, bundle: Bundle) -> str:
    check_against_bundle(config, bundle)
    policy = config.policy
    routed = [label for label in bundle.labels if policy.rule_of(label) is not None]
    used = with_thresholds(bundle, config.thresholds).thresholds
    silent = [label.id for label in routed if used[label.index] >= NOT_REPORTED]
    found = f"{len(policy.bins)} bins, {len(routed)} of {len(bundle.labels)} labels have a bin"
    if not silent:
        return found
    more = f" and {len(silent) - SHOWN_IDS} more" if len(silent) > SHOWN_IDS else ""
    return (
        f"{found}; this model does not report {', '.join(silent[:SHOWN_IDS])}{more}, so nothing"
        " goes there as such, unless [thresholds] sets one"
    )

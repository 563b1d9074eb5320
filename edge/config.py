"""edge.toml: what this machine is. What the model is comes from the bundle alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.arrival import Window
from edge.bundle import Bundle
from edge.cameras import CameraSettings, SourceKind, kind_of_source
from edge.config_sections import (
    BundleSection,
    CameraSection,
    DashboardSection,
    DropSection,
    ExplainSection,
    ItemsSection,
    JournalSection,
    MachineSection,
    RuntimeSection,
    ThresholdsSection,
)
from edge.errors import ConfigError
from edge.explain.hiding import HideSettings
from edge.explain.lime_result import LimeSettings
from edge.explain.segments import SegmentSettings
from edge.explain.worker.budget import Limits
from edge.explain.worker.explainer import ExplainerSettings
from edge.items import ItemSettings, Trigger
from edge.journal import JournalSettings
from edge.kept_frames import FrameSettings
from edge.look_at import LookAt
from edge.pipeline import LimeOf
from edge.policy import Mode, Policy
from edge.policy_file import PolicySections, policy_of
from edge.policy_problems import policy_problems, threshold_problems
from edge.preprocessing import TILE_SHARE, tiles_gain
from edge.region import Region
from edge.toml import ENCODING, read_toml, where_named, where_quoted
from sorter_firmware_bridge.drivers import check_settings
from sorter_firmware_bridge.errors import BridgeError

SHIPPED_BUNDLE = Path(__file__).parent / "models" / "best"


class File(PolicySections):
    """All of edge.toml."""

    bundle: BundleSection = BundleSection()
    camera: CameraSection
    machine: MachineSection = MachineSection()
    items: ItemsSection = ItemsSection()
    drop: DropSection = DropSection()
    dashboard: DashboardSection = DashboardSection()
    explain: ExplainSection = ExplainSection()
    journal: JournalSection = JournalSection()
    runtime: RuntimeSection = RuntimeSection()
    thresholds: ThresholdsSection = ThresholdsSection()


@dataclass(frozen=True, slots=True)
class ExplainConfig:
    """What LIME is made of, and how.

    Attributes:
        lime_of: Without being asked; None makes no LIME at all.
        settings: For `edge.explain.worker.explainer.Explainer`.
    """

    lime_of: LimeOf | None
    settings: ExplainerSettings


@dataclass(frozen=True, slots=True)
class Config:
    """A checked edge.toml, in the words of those who use it.

    Attributes:
        path: The file.
        bundle: Folder of the bundle, unless another was made live; see `edge.swap`.
        staged: Folder whose sub-folders may be made live.
        camera: For `edge.cameras.open_camera`.
        region: What is looked at of its pictures.
        look_at: What of that the model is shown.
        machine: Which driver.
        policy: For `edge.decision.decide`.
        items: For `edge.items.ItemAssembler`.
        empty_at_start: Whether the first frame shows the empty place, which is no item.
        drop: When the drop sensor is expected to see an item.
        dashboard: Host and port.
        explain: What LIME is made of.
        journal: For `edge.journal.Journal`.
        kept: For `edge.kept_frames.KeptFrames`.
        threads: Of the model runtime.
        thresholds: Of labels, by id, in place of those of the bundle.
    """

    path: Path
    bundle: Path
    staged: Path
    camera: CameraSettings
    region: Region
    look_at: LookAt
    machine: MachineSection
    policy: Policy
    items: ItemSettings
    empty_at_start: bool
    drop: Window
    dashboard: DashboardSection
    explain: ExplainConfig
    journal: JournalSettings
    kept: FrameSettings
    threads: int
    thresholds: Mapping[str, float]


def read_config(path: Path, text: str | None = None) -> Config:
    """Read edge.toml; relative paths in it are relative to its folder.

    Args:
        path: The file.
        text: What would be in it; None reads it.

    Raises:
        ConfigError: One line for each problem: line, key, found, allowed.
    """
    file = read_toml(path, File, ConfigError, text)
    policy = policy_of(path, file, text)
    try:
        return _config(path, file, policy)
    except ConfigError as error:
        if text is None:
            text = path.read_text(encoding=ENCODING)
        raise ConfigError(f"{where_named(path, text, str(error))}: {error}") from error


def _config(path: Path, file: File, policy: Policy) -> Config:
    home = path.resolve().parent
    camera = CameraSettings(
        **{
            **file.camera.model_dump(exclude={"roi", "focus", "tiles"}),
            "source": _source(home, file.camera.source),
        }
    )
    try:
        kind_of_source(camera.source)
    except ConfigError as error:
        raise ConfigError(f"camera.source: {error}") from error
    if file.machine.driver != "none":
        try:
            check_settings(file.machine.driver, file.machine.settings)
        except BridgeError as error:
            raise ConfigError(f"machine.settings: {error}") from error
    if bool(file.dashboard.certificate) != bool(file.dashboard.key):
        missing = "key" if file.dashboard.certificate else "certificate"
        raise ConfigError(f"dashboard.{missing}: found none; TLS needs `certificate` and `key`")
    if policy.veto_share is not None and not file.items.empty_at_start:
        raise ConfigError(
            "sorting.veto: found true without [items] empty_at_start; without the empty place no"
            " object is found, and nothing can be vetoed; set both or neither"
        )
    if file.machine.arm_at_start and file.machine.driver != "simulated":
        raise ConfigError(
            f"machine.arm_at_start: found true with driver {file.machine.driver!r}; only the"
            " simulated machine arms itself, a real one is armed by a person on the page"
        )
    return Config(
        path=path,
        bundle=home / file.bundle.path if file.bundle.path else SHIPPED_BUNDLE,
        staged=home / file.bundle.staged,
        camera=camera,
        region=Region(*file.camera.roi),
        look_at=_look_at(file, policy),
        machine=file.machine,
        policy=policy,
        items=_items(file.items),
        empty_at_start=file.items.empty_at_start,
        drop=Window(**file.drop.model_dump()),
        dashboard=file.dashboard.model_copy(
            update={
                name: str(home / getattr(file.dashboard, name))
                for name in ("certificate", "key", "study_sources")
                if getattr(file.dashboard, name)
            }
        ),
        explain=_explain(file.explain),
        journal=JournalSettings(
            home / file.journal.path, file.journal.max_rows, file.journal.max_mb * 2**20
        ),
        kept=FrameSettings(file.journal.frames_mb, file.journal.frames_min_free_mb),
        threads=file.runtime.threads,
        thresholds=dict(file.thresholds.model_extra or {}),
    )


def _look_at(file: File, policy: Policy) -> LookAt:
    if file.camera.focus == "frame":
        return LookAt.TILES if file.camera.tiles else LookAt.FRAME
    if file.camera.tiles:
        raise ConfigError(
            "camera.tiles: found true with focus 'object'; allowed with focus 'frame'; the window"
            " around an object is one part of the picture already, so set one of the two"
        )
    if policy.mode is not Mode.SINGLE:
        raise ConfigError(
            f"camera.focus: found 'object' in mode {policy.mode.value!r}; allowed is 'frame', or"
            " 'object' in mode 'single', where one object lies there at a time"
        )
    if not file.items.empty_at_start:
        raise ConfigError(
            "camera.focus: found 'object' without [items] empty_at_start; allowed is 'frame', or"
            " 'object' with empty_at_start = true; without the empty place no object is found"
        )
    return LookAt.OBJECT


def _items(section: ItemsSection) -> ItemSettings:
    values = section.model_dump(exclude={"empty_at_start"})
    return ItemSettings(**{**values, "trigger": Trigger(section.trigger)})


def _explain(section: ExplainSection) -> ExplainConfig:
    if section.warm_c >= section.hot_c:
        key = "warm_c" if "warm_c" in section.model_fields_set else "hot_c"
        raise ConfigError(
            f"explain.{key}: found warm_c {section.warm_c:g} and hot_c {section.hot_c:g}; warm_c"
            " must be below hot_c"
        )
    lime = LimeSettings(
        segments=SegmentSettings(section.superpixels),
        hide=HideSettings(section.hide),
        design=section.design,
        samples=section.samples,
        target=section.target,
        seed=section.seed,
    )
    limits = Limits(celsius=(section.warm_c, section.hot_c))
    settings = ExplainerSettings(lime, section.seconds, section.cache_mb * 10**6, limits)
    return ExplainConfig(None if section.lime == "off" else LimeOf(section.lime), settings)


def _source(home: Path, source: str) -> str:
    if "://" in source or source.startswith(("/", "gstreamer:")) or source == "picamera2":
        return source
    return source if source.isdecimal() else str(home / source)


def check_against_bundle(config: Config, bundle: Bundle, text: str | None = None) -> None:
    """Refuse bins and labels that do not fit the model.

    Args:
        config: What was read.
        bundle: The model.
        text: What it was read from, where that is not in the file.

    Raises:
        ConfigError: One line for each problem.
    """
    known = [label.id for label in bundle.labels]
    problems = policy_problems(config.policy, known)
    problems += threshold_problems(config.thresholds, known)
    too_small = _too_small_for_tiles(config, bundle.preprocessing.size_px)
    if problems or too_small:
        if text is None:
            text = config.path.read_text(encoding=ENCODING)
        lines = [f"{where_quoted(config.path, text, p)}: {p}" for p in problems]
        lines += [f"{where_named(config.path, text, p)}: {p}" for p in too_small]
        raise ConfigError("\n".join(lines))


def _too_small_for_tiles(config: Config, size_px: int) -> list[str]:
    """What is wrong with tiles of pictures whose size is known before the camera opens."""
    kinds = SourceKind.V4L2, SourceKind.PICAMERA2
    if config.look_at is not LookAt.TILES or kind_of_source(config.camera.source) not in kinds:
        return []
    width = config.region.width * config.camera.size_px[0]
    height = config.region.height * config.camera.size_px[1]
    if tiles_gain(round(height), round(width), size_px):
        return []
    return [
        f"camera.tiles: found true with pictures of {width:.0f} x {height:.0f} pixels, whose"
        f" quarters have {TILE_SHARE * max(width, height):.0f} along their longer side; expected"
        f" {size_px / 2:.0f} at least, half of the model's input; ask for a larger size_px or roi,"
        " or set tiles = false"
    ]

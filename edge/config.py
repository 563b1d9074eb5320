"""edge.toml: what this machine is. What the model is comes from the bundle alone."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from edge.bundle import Bundle
from edge.cameras import CameraSettings, kind_of_source
from edge.decision import Mode, Policy, Route, policy_problems
from edge.errors import ConfigError
from edge.explain.hiding import HideSettings
from edge.explain.lime_result import LimeSettings
from edge.explain.segments import SegmentSettings
from edge.explain.worker.budget import Limits
from edge.explain.worker.explainer import ExplainerSettings
from edge.items import ItemSettings, Trigger
from edge.journal import JournalSettings
from edge.pipeline import LimeOf
from edge.toml import ENCODING, FromList, Section, line_of, read_toml
from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers import ADAPTERS, check_settings
from sorter_firmware_bridge.errors import BridgeError

LIME = LimeSettings()
"""The defaults."""
SHIPPED_BUNDLE = Path(__file__).parent / "models" / "best"


Side = Annotated[int, Field(ge=16, le=16_384)]


class BundleSection(Section):
    """Which model."""

    path: str = ""


class CameraSection(Section):
    """Where frames come from; see `edge.cameras.CameraSettings`."""

    source: str = Field(min_length=1)
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    size_px: Annotated[tuple[Side, Side], FromList] = (1280, 960)
    open_timeout_s: float = Field(10.0, gt=0, le=120)
    read_timeout_s: float = Field(2.0, gt=0, le=120)
    loop: bool = True


class MachineSection(Section):
    """What moves the bins.

    `arm_at_start` is for the simulated machine; a real one is armed by a person.
    """

    driver: str = "simulated"
    arm_at_start: bool = False
    settings: dict[str, Any] = Field(default_factory=dict)

    @field_validator("driver")
    @classmethod
    def _known(cls, driver: str) -> str:
        if driver not in (*ADAPTERS, "none"):
            raise ValueError(f"allowed: {', '.join((*sorted(ADAPTERS), 'none'))}")
        return driver


class BinSection(Section):
    """One bin and the part ids that go into it."""

    number: int = Field(ge=0, le=255)
    name: str = Field(min_length=1, max_length=40)
    labels: Annotated[tuple[str, ...], FromList] = ()

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        Bin(self.number, self.name)
        return self


class SortingSection(Section):
    """What is done with an item; see `edge.policy.Policy`."""

    mode: Literal["single", "watch"] = "watch"
    unknown_bin: str | None = None
    review_bin: str | None = None
    overflow_bin: str | None = None
    watch_for: Annotated[tuple[str, ...], FromList] = ()
    margin: float = Field(0.2, ge=0, le=1)
    max_age_s: float = Field(1.0, ge=0.001, le=60)
    travel_s: Annotated[float, Field(ge=0, le=600)] | None = None
    lead_s: float = Field(0.05, ge=0, le=60)
    tolerance_s: float = Field(0.05, ge=0, le=60)


class ItemsSection(Section):
    """When frames are an item; see `edge.items.ItemSettings`.

    `empty_at_start` says that the first frame shows the empty place: that scene is no item.
    """

    trigger: Literal["still", "sensor"] = "still"
    k: int = Field(3, ge=1, le=100)
    n: int = Field(5, ge=1, le=100)
    patience_frames: int = Field(15, ge=1, le=1000)
    still_threshold: float = Field(2.0, ge=0, le=255)
    changed_threshold: float = Field(4.0, ge=0, le=255)
    light_drift: float = Field(0.05, ge=0, le=1)
    empty_at_start: bool = False


class DashboardSection(Section):
    """Where the page is. There is no password yet, so it stays on this machine."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ValueError("only 127.0.0.1 or ::1 is allowed: the page has no password yet")
        return host


class ExplainSection(Section):
    """What LIME is made of and how; see `edge.explain.worker.explainer.ExplainerSettings`."""

    lime: Literal["items", "everything", "asked", "off"] = "items"
    samples: int = Field(LIME.samples, ge=1, le=100_000)
    seconds: float = Field(10.0, ge=0.1, le=600)
    design: Literal["random", "antithetic", "hadamard"] = LIME.design
    superpixels: Literal["quickshift", "slic"] = LIME.segments.method
    hide: Literal["mean", "blur", "colour"] = LIME.hide.method
    target: Literal["logit", "probability"] = LIME.target
    seed: int = Field(0, ge=0, le=2**32 - 1)
    cache_mb: int = Field(16, ge=0, le=4096)
    warm_c: float = Field(70.0, ge=0, le=120)
    hot_c: float = Field(80.0, ge=0, le=120)


class JournalSection(Section):
    """Where the record is kept."""

    path: str = "journal.sqlite"
    max_rows: int = Field(100_000, ge=100, le=10_000_000)


class RuntimeSection(Section):
    """How the models run."""

    threads: int = Field(1, ge=1, le=64)


class File(Section):
    """All of edge.toml."""

    bundle: BundleSection = BundleSection()
    camera: CameraSection
    machine: MachineSection = MachineSection()
    sorting: SortingSection = SortingSection()
    items: ItemsSection = ItemsSection()
    dashboard: DashboardSection = DashboardSection()
    explain: ExplainSection = ExplainSection()
    journal: JournalSection = JournalSection()
    runtime: RuntimeSection = RuntimeSection()
    bin: Annotated[tuple[BinSection, ...], FromList] = ()


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
        bundle: Folder of the bundle.
        camera: For `edge.cameras.open_camera`.
        machine: Which driver.
        policy: For `edge.decision.decide`.
        items: For `edge.items.ItemAssembler`.
        empty_at_start: Whether the first frame shows the empty place, which is no item.
        dashboard: Host and port.
        explain: What LIME is made of.
        journal: For `edge.journal.Journal`.
        threads: Of the model runtime.
    """

    path: Path
    bundle: Path
    camera: CameraSettings
    machine: MachineSection
    policy: Policy
    items: ItemSettings
    empty_at_start: bool
    dashboard: DashboardSection
    explain: ExplainConfig
    journal: JournalSettings
    threads: int


def read_config(path: Path) -> Config:
    """Read edge.toml; relative paths in it are relative to its folder.

    Raises:
        ConfigError: One line for each problem: line, key, found, allowed.
    """
    file = read_toml(path, File, ConfigError)
    _check_bins(path, file)
    try:
        return _config(path, file)
    except ConfigError as error:
        text = path.read_text(encoding=ENCODING)
        raise ConfigError(f"{_where_named(path, text, str(error))}: {error}") from error


def _config(path: Path, file: File) -> Config:
    home = path.resolve().parent
    camera = CameraSettings(
        **{**file.camera.model_dump(), "source": _source(home, file.camera.source)}
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
    if file.machine.arm_at_start and file.machine.driver != "simulated":
        raise ConfigError(
            f"machine.arm_at_start: found true with driver {file.machine.driver!r}; only the"
            " simulated machine arms itself, a real one is armed by a person on the page"
        )
    return Config(
        path=path,
        bundle=home / file.bundle.path if file.bundle.path else SHIPPED_BUNDLE,
        camera=camera,
        machine=file.machine,
        policy=_policy(file),
        items=_items(file.items),
        empty_at_start=file.items.empty_at_start,
        dashboard=file.dashboard,
        explain=_explain(file.explain),
        journal=JournalSettings(home / file.journal.path, file.journal.max_rows),
        threads=file.runtime.threads,
    )


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


def _policy(file: File) -> Policy:
    values = file.sorting.model_dump()
    return Policy(
        **{**values, "mode": Mode(values["mode"])},
        bins=tuple(Bin(entry.number, entry.name) for entry in file.bin),
        routes=tuple(Route(label, entry.name) for entry in file.bin for label in entry.labels),
    )


def _check_bins(path: Path, file: File) -> None:
    text = path.read_text(encoding=ENCODING)
    problems = []
    for place, entry in enumerate(file.bin):
        for key in ("number", "name"):
            value = getattr(entry, key)
            before = [getattr(other, key) for other in file.bin[:place]]
            if value in before:
                line = line_of(text, ["bin", str(place), key])
                used = line_of(text, ["bin", str(before.index(value)), key])
                problems.append(
                    f"{path}, line {line}: bin.{place}.{key}: found {value!r}, used before in line"
                    f" {used}; give each bin its own {key}"
                )
    if problems:
        raise ConfigError("\n".join(problems))


def check_against_bundle(config: Config, bundle: Bundle) -> None:
    """Refuse bins and labels that do not fit the model.

    Raises:
        ConfigError: One line for each problem.
    """
    problems = policy_problems(config.policy, [label.id for label in bundle.labels])
    if problems:
        text = config.path.read_text(encoding=ENCODING)
        raise ConfigError("\n".join(f"{_where(config.path, text, p)}: {p}" for p in problems))


def _where_named(path: Path, text: str, problem: str) -> str:
    """The line of the key, as in "items.k", that a problem begins with."""
    section, _, key = re.split(r"[ :]", problem, maxsplit=1)[0].partition(".")
    line = line_of(text, [section, key])
    return f"{path}, line {line}" if line else str(path)


def _where(path: Path, text: str, problem: str) -> str:
    # Problems quote what they speak of; its first quoted occurrence in the file is the line.
    quoted = problem.split("'")[1::2]
    for number, line in enumerate(text.splitlines(), start=1):
        if quoted and re.search(rf"[\"']{re.escape(quoted[0])}[\"']", line.partition("#")[0]):
            return f"{path}, line {number}"
    return str(path)

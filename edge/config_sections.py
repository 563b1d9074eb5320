"""The sections of edge.toml on the device itself; those on sorting are in `edge.policy_file`."""

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from edge.explain.lime_result import LimeSettings
from edge.region import Region
from edge.toml import FromList, Section
from sorter_firmware_bridge.drivers import ADAPTERS

LIME = LimeSettings()
"""The defaults."""

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$|^\[[0-9a-fA-F:.]+\]$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=16, le=16_384)]


class BundleSection(Section):
    """Which model, and where others are staged; see `edge.swap`."""

    path: str = ""
    staged: str = Field("models", min_length=1)


class CameraSection(Section):
    """Where frames come from; see `edge.cameras.CameraSettings` and `edge.look_at.LookAt`."""

    source: str = Field(min_length=1)
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    size_px: Annotated[tuple[Side, Side], FromList] = (1280, 960)
    open_timeout_s: float = Field(10.0, gt=0, le=120)
    read_timeout_s: float = Field(2.0, gt=0, le=120)
    loop: bool = True
    roi: Annotated[tuple[Share, Share, Share, Share], FromList] = (0.0, 0.0, 1.0, 1.0)
    focus: Literal["frame", "object"] = "frame"
    tiles: bool = False

    @field_validator("roi")
    @classmethod
    def _inside(cls, roi: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        Region(*roi)
        return roi


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
    object_contrast: float = Field(16.0, ge=1, le=255)
    object_area: float = Field(0.01, ge=0.001, le=1)
    empty_at_start: bool = False


class DropSection(Section):
    """When the drop sensor sees an item; see `edge.arrival.Window`."""

    earliest_s: float = Field(0.0, ge=0, le=60)
    latest_s: float = Field(1.0, ge=0, le=60)
    lost_s: float = Field(3.0, ge=0, le=600)


class DashboardSection(Section):
    """Where the page is, and who may reach it how; see `edge.serving`."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    names: Annotated[tuple[HostName, ...], FromList] = ()
    certificate: str = ""
    key: str = ""
    proxies: int = Field(0, ge=0, le=5)
    session_hours: float = Field(12.0, gt=0, le=24 * 7)
    study_sources: str = ""

    @field_validator("host")
    @classmethod
    def _address(cls, host: str) -> str:
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise ValueError(
                "allowed: an address of this device, such as 127.0.0.1, or 0.0.0.0 for all of them"
            ) from error
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
    """Where the record is kept, and pictures beside it; see `edge.kept_frames.FrameSettings`."""

    path: str = "journal.sqlite"
    max_rows: int = Field(100_000, ge=100, le=10_000_000)
    max_mb: int = Field(512, ge=1, le=65_536)
    frames_mb: int = Field(200, ge=0, le=1_000_000)
    frames_min_free_mb: int = Field(500, ge=0, le=1_000_000)


class ThresholdsSection(Section):
    """Thresholds of labels, by part id, in place of those of the bundle."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Share] = Field(init=False)


class RuntimeSection(Section):
    """How the models run."""

    threads: int = Field(1, ge=1, le=64)

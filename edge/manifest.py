"""manifest.json: what a bundle says of itself, and the only reader of that."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
ROLES = ("classifier", "companion", "evaluation", "model_card")
MANIFEST_BYTES_MAX = 4_000_000

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Calibration(_Part):
    """p = sigmoid(slope * (logit - ln w) + offset), w being the training's positive weight."""

    slope: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    offset: Finite = 0.0


class LabelEntry(_Part):
    """One label of the model, in the order of its outputs.

    `threshold` is on the calibrated probability; `support` is how many validation pictures it
    was chosen from. A label with `reported = false` was not right often enough at any threshold:
    it is never said to be present, unless the settings of a device give it a threshold.
    """

    id: str = Field(min_length=1, max_length=40)
    name: str = Field(min_length=1, max_length=80)
    threshold: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
    calibration: Calibration
    support: int = Field(ge=0)
    reported: bool = True


class Source(_Part):
    """Where the bundle comes from."""

    commit: str
    recipe_sha256: str


class PreprocessingEntry(_Part):
    """As `edge.preprocessing.Preprocessing`."""

    size_px: int = Field(ge=32, le=1024)
    resize: Literal["letterbox", "crop"]
    colour: Literal["rgb"]


class FileEntry(_Part):
    """A file inside the bundle."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class CompanionEntry(_Part):
    """What the Grad-CAM of the companion is taken from."""

    layer: str
    grid: tuple[int, int]
    pooling: Literal["mean", "max"]


class SelfTestPicture(_Part):
    """A prepared picture (s, s) and the logits the trainer got for it."""

    role: str
    logits: tuple[Finite, ...]


class SelfTest(_Part):
    """Replayed whenever the bundle is read.

    `tolerance` bounds the measure of `edge.self_test`: how far off the answers are, as a share of
    the spread of the trainer's logits.
    """

    tolerance: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    pictures: tuple[SelfTestPicture, ...] = Field(min_length=1, max_length=32)


class Manifest(_Part):
    """All of manifest.json."""

    schema_version: Literal[1]
    name: str = Field(min_length=1, max_length=80)
    created_at: str
    source: Source
    labels: tuple[LabelEntry, ...] = Field(min_length=1, max_length=10_000)
    positive_weight: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    preprocessing: PreprocessingEntry
    files: dict[str, FileEntry]
    companion: CompanionEntry
    self_test: SelfTest
    seal: str

    @model_validator(mode="after")
    def _agrees(self) -> "Manifest":
        ids = [label.id for label in self.labels]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"labels listed twice: {', '.join(twice)}")
        needed = (*ROLES, *(picture.role for picture in self.self_test.pictures))
        missing = [role for role in needed if role not in self.files]
        if missing:
            raise ValueError(f"files without an entry: {', '.join(missing)}")
        for picture in self.self_test.pictures:
            if len(picture.logits) != len(ids):
                raise ValueError(
                    f"{picture.role} has {len(picture.logits)} logits, {len(ids)} labels are listed"
                )
        return self


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        BundleError: It is missing, damaged or not as described here; names every problem.
    """
    path = folder / MANIFEST
    # Unlike those of Path, these have an answer for a path that cannot be examined.
    if os.path.isfile(folder):  # noqa: PTH113
        raise BundleError(f"{folder}: is a file; expected a bundle, a folder with {MANIFEST}")
    if not os.path.isdir(folder):  # noqa: PTH112
        raise BundleError(f"{folder}: no such folder; expected a bundle, a folder with {MANIFEST}")
    try:
        with path.open("rb") as file:
            content = file.read(MANIFEST_BYTES_MAX + 1)
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}); copy the bundle again"
        ) from error
    if len(content) > MANIFEST_BYTES_MAX:
        raise BundleError(f"{path}: larger than {MANIFEST_BYTES_MAX} bytes; not a manifest")
    try:
        values = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not JSON ({error}); copy the bundle again") from error
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise BundleError(
            f"{path}: schema_version is {version!r}; this version reads {SCHEMA_VERSION}."
            " Export the bundle again, or update the device"
        )
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(_problem(path, detail) for detail in error.errors()[:8])
        raise BundleError(problems) from error
    if manifest.seal != seal_of(values):
        raise BundleError(
            f"{path}: found contents of seal {seal_of(values)[:16]}…, expected"
            f" {manifest.seal[:16]!r}…; the manifest was changed or damaged, copy the bundle again"
        )
    return manifest


def seal_of(values: Mapping[str, Any]) -> str:
    """SHA-256 of all a manifest says but its seal.

    Files have checksums in the manifest; this is the checksum of what it says itself, so that a
    threshold or the order of the labels cannot change unnoticed.
    """
    said = {key: value for key, value in values.items() if key != "seal"}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _problem(path: Path, detail: Any) -> str:
    key = ".".join(str(step) for step in detail["loc"]) or "the manifest"
    message = detail["msg"].removeprefix("Value error, ")
    found = "" if detail["type"] == "value_error" else f" (found {repr(detail['input'])[:60]})"
    return f"{path}: {key}: {message}{found}"

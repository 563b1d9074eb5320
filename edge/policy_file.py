"""The sections of a TOML file that say what an operator wants, and the policy they make."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from edge.belt import MAX_MM, Belt
from edge.errors import ConfigError
from edge.families import FAMILIES
from edge.policy import MAX_ITEMS, Backpressure, FamilyRoute, Limit, Mode, Policy, Route, Wanted
from edge.policy_problems import loop_problem, overflow_loops
from edge.toml import ENCODING, FromList, Section, line_of, read_toml, where_named
from sorter_firmware_bridge.bins import Bin

Family = Literal[FAMILIES]  # type: ignore[valid-type]
Length = Annotated[float, Field(ge=0, le=MAX_MM)]


class BinSection(Section):
    """One bin, what goes into it and how much of it."""

    number: int = Field(ge=0, le=255)
    name: str = Field(min_length=1, max_length=40)
    labels: Annotated[tuple[str, ...], FromList] = ()
    families: Annotated[tuple[Family, ...], FromList] = ()
    capacity: Annotated[int, Field(ge=1, le=MAX_ITEMS)] | None = None
    overflow: str | None = None
    distance_mm: Length | None = None

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        Bin(self.number, self.name)
        return self


class WantedSection(Section):
    """One line of the wanted list; see `edge.policy.Wanted`."""

    label: str
    quantity: Annotated[int, Field(ge=1, le=MAX_ITEMS)] | None = None
    bin: str | None = None


class SortingSection(Section):
    """What is done with an item; see `edge.policy.Policy`."""

    mode: Literal["single", "scoop", "watch"] = "watch"
    unknown_bin: str | None = None
    review_bin: str | None = None
    overflow_bin: str | None = None
    wanted_bin: str | None = None
    rest_bin: str | None = None
    watch_for: Annotated[tuple[str, ...], FromList] = ()
    margin: float = Field(0.2, ge=0, le=1)
    recall_share: float = Field(0.3, ge=0, le=1)
    veto: bool = False
    veto_share: float = Field(0.5, ge=0, le=1)
    max_age_s: float = Field(1.0, ge=0.001, le=60)
    travel_s: Annotated[float, Field(ge=0, le=600)] | None = None
    lead_s: float = Field(0.05, ge=0, le=60)
    tolerance_s: float = Field(0.05, ge=0, le=60)


class BeltSection(Section):
    """A belt, by its speed or its encoder; see `edge.belt.Belt`. Without either there is none."""

    speed_mm_s: Annotated[float, Field(ge=0.1, le=MAX_MM)] | None = None
    sensor: Annotated[str, Field(min_length=1)] | None = None
    mm_per_tick: Annotated[float, Field(ge=0.001, le=MAX_MM)] | None = None
    stopped_after_s: float = Field(1.0, ge=0.01, le=60)
    camera_mm: float = Field(0.0, ge=0, le=MAX_MM)


class FeederSection(Section):
    """When whatever feeds items has to wait; see `edge.feeder`."""

    pause_at: Annotated[int, Field(ge=1, le=1000)] | None = None
    resume_at: Annotated[int, Field(ge=0, le=999)] | None = None


class PolicySections(Section):
    """All sections that say what an operator wants."""

    sorting: SortingSection = SortingSection()
    belt: BeltSection = BeltSection()
    feeder: FeederSection = FeederSection()
    bin: Annotated[tuple[BinSection, ...], FromList] = ()
    wanted: Annotated[tuple[WantedSection, ...], FromList] = ()


class _Beside(PolicySections):
    """The same in a whole edge.toml; what else is in it is not looked at."""

    bundle: Any = None
    camera: Any = None
    machine: Any = None
    items: Any = None
    drop: Any = None
    dashboard: Any = None
    explain: Any = None
    journal: Any = None
    runtime: Any = None
    thresholds: Any = None


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Args:
        path: An edge.toml, or a file with its sections on sorting alone: `[sorting]`, `[belt]`,
            `[feeder]`, `[[bin]]` and `[[wanted]]`.

    Raises:
        ConfigError: One line for each problem: line, key, found, allowed. Whether the labels are
            the model's is for `edge.policy_problems.policy_problems` to say.
    """
    return policy_of(path, read_toml(path, _Beside, ConfigError))


def policy_of(path: Path, sections: PolicySections, text: str | None = None) -> Policy:
    """The policy that the sections of a file make.

    Args:
        path: The file, to name lines of.
        sections: What was read from it.
        text: What would be in it; None reads it.

    Raises:
        ConfigError: One line for each problem: line, key, found, allowed.
    """
    if text is None:
        text = path.read_text(encoding=ENCODING)
    problems = [*_used_twice(path, text, sections), *_overflows(path, text, sections)]
    if problems:
        raise ConfigError("\n".join(problems))
    try:
        policy = _policy(sections)
    except ConfigError as error:
        raise ConfigError(f"{where_named(path, text, str(error))}: {error}") from error
    loops = [
        f"{_at_overflow(path, text, loop[0], sections)}: {loop_problem(loop)}"
        for loop in overflow_loops(policy)
    ]
    if loops:
        raise ConfigError("\n".join(loops))
    return policy


def _policy(file: PolicySections) -> Policy:
    values = file.sorting.model_dump(exclude={"veto"})
    return Policy(
        **{
            **values,
            "mode": Mode(values["mode"]),
            "veto_share": file.sorting.veto_share if file.sorting.veto else None,
        },
        bins=tuple(Bin(entry.number, entry.name) for entry in file.bin),
        routes=tuple(Route(label, entry.name) for entry in file.bin for label in entry.labels),
        families=tuple(FamilyRoute(f, entry.name) for entry in file.bin for f in entry.families),
        wanted=tuple(Wanted(line.label, line.quantity, line.bin) for line in file.wanted),
        limits=tuple(
            Limit(entry.name, entry.capacity, entry.overflow)
            for entry in file.bin
            if entry.capacity is not None
        ),
        belt=_belt(file),
        backpressure=_backpressure(file.feeder),
    )


def _belt(file: PolicySections) -> Belt | None:
    if not file.belt.model_fields_set:
        return None
    places = ((entry.name, entry.distance_mm) for entry in file.bin)
    distances = tuple((name, mm) for name, mm in places if mm is not None)
    return Belt(distances, **file.belt.model_dump())


def _backpressure(feeder: FeederSection) -> Backpressure | None:
    if feeder.pause_at is None:
        if feeder.resume_at is not None:
            raise ConfigError(
                f"feeder.resume_at: found {feeder.resume_at} without pause_at; give both"
            )
        return None
    resume_at = feeder.pause_at - 1 if feeder.resume_at is None else feeder.resume_at
    return Backpressure(feeder.pause_at, resume_at)


def _used_twice(path: Path, text: str, file: PolicySections) -> Iterator[str]:
    for place, entry in enumerate(file.bin):
        for key in ("number", "name"):
            value = getattr(entry, key)
            before = [getattr(other, key) for other in file.bin[:place]]
            if value in before:
                line = line_of(text, ["bin", str(place), key])
                used = line_of(text, ["bin", str(before.index(value)), key])
                yield (
                    f"{path}, line {line}: bin.{place}.{key}: found {value!r}, used before in line"
                    f" {used}; give each bin its own {key}"
                )


def _overflows(path: Path, text: str, file: PolicySections) -> Iterator[str]:
    names = [entry.name for entry in file.bin]
    for place, entry in enumerate(file.bin):
        line = line_of(text, ["bin", str(place), "overflow"])
        where = f"{path}, line {line}: bin.{place}.overflow: found {entry.overflow!r}"
        if entry.overflow is not None and entry.capacity is None:
            yield f"{where} without capacity; a bin without one is never full, so give it one"
        elif entry.overflow is not None and entry.overflow not in names:
            yield f"{where}, which is no bin; there are {', '.join(map(repr, names))}"


def _at_overflow(path: Path, text: str, name: str, file: PolicySections) -> str:
    place = [entry.name for entry in file.bin].index(name)
    return f"{path}, line {line_of(text, ['bin', str(place), 'overflow'])}: bin.{place}.overflow"

"""Reads a TOML file into a pydantic model, with errors that name line, key, found and allowed."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from edge.redaction import redact

ENCODING = "utf-8-sig"
"""Of a settings file: UTF-8, with the mark that editors on Windows put in front or without."""

S = TypeVar("S", bound=BaseModel)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


FromList = BeforeValidator(_as_tuple)
"""Annotates a tuple field: TOML has lists only, and strict models do not convert."""


class Section(BaseModel):
    """A part of a settings file: unknown keys are refused, values are not guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def read_toml(path: Path, model: type[S], failure: type[Exception], text: str | None = None) -> S:
    """Read and check a settings file.

    Args:
        path: The TOML file.
        model: What it must look like.
        failure: The error to raise.
        text: What would be in it; None reads it.

    Returns:
        The checked settings.

    Raises:
        failure: The file cannot be read, is not TOML, or a key or value is wrong; one line each,
            naming the file, the line where it can be told, the key, what was found and allowed.
    """
    if text is None:
        text = _read(path, failure)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise failure(f"{path}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise failure(f"{path}: lists or tables are nested too deep; write them flatter") from error
    try:
        return model.model_validate(values)
    except ValidationError as error:
        details = _without_consequences(error.errors())
        lines = [_problem(path, text, model, detail) for detail in details]
        raise failure("\n".join(lines)) from error


def _read(path: Path, failure: type[Exception]) -> str:
    try:
        return path.read_text(encoding=ENCODING)
    except (OSError, UnicodeDecodeError) as error:
        raise failure(f"{path}: cannot be read ({error}); give the path of a TOML file") from error


def _without_consequences(details: Sequence[Any]) -> list[Any]:
    """Drop "too few" of a list with a wrong item: that item was just not counted."""
    places = [detail["loc"] for detail in details]
    return [
        detail
        for detail, place in zip(details, places, strict=True)
        if detail["type"] != "too_short"
        or not any(len(p) > len(place) and p[: len(place)] == place for p in places)
    ]


def _problem(path: Path, text: str, model: type[BaseModel], detail: Any) -> str:
    location = [str(step) for step in detail["loc"]]
    key = ".".join(location) or "the file"
    line = line_of(text, location)
    where = f"{path}, line {line}" if line else f"{path}"
    if detail["type"] == "extra_forbidden":
        allowed = ", ".join(_keys_beside(model, location)) or "none"
        return f"{where}: {key}: unknown key; allowed here: {allowed}"
    if detail["type"] == "missing":
        return f"{where}: {key}: missing; add it"
    found = redact(repr(detail["input"]))
    # TOML knows lists, and none of the tuples they become.
    message = redact(detail["msg"].removeprefix("Value error, "))
    message = re.sub(r"\b(?:valid )?tuple\b", "list", message, flags=re.IGNORECASE)
    return f"{where}: {key}: found {found[:80]}; {message[0].lower()}{message[1:]}"


def _keys_beside(model: type[BaseModel], location: list[str]) -> list[str]:
    current: Any = model
    for step in location[:-1]:
        if step.isdigit() or not _is_model(current):
            continue
        current = _model_in(current.model_fields[step].annotation)
    return sorted(current.model_fields) if _is_model(current) else []


def _model_in(annotation: Any) -> Any:
    if _is_model(annotation):
        return annotation
    return next(filter(None, map(_model_in, getattr(annotation, "__args__", ()))), None)


def _is_model(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)


def where_named(path: Path, text: str, problem: str) -> str:
    """File and line of the key, as in "items.k", that a problem begins with."""
    section, _, key = re.split(r"[ :]", problem, maxsplit=1)[0].partition(".")
    line = line_of(text, [section, key])
    return f"{path}, line {line}" if line else str(path)


def where_quoted(path: Path, text: str, problem: str) -> str:
    """File and line of what a problem quotes first, where the file quotes it first."""
    quoted = problem.split("'")[1::2]
    for number, line in enumerate(text.splitlines(), start=1):
        if quoted and re.search(rf"[\"']{re.escape(quoted[0])}[\"']", line.partition("#")[0]):
            return f"{path}, line {number}"
    return str(path)


def line_of(text: str, location: list[str]) -> int | None:
    """The line, from 1, on which a key stands; its table's line if the key does not occur."""
    lines = text.splitlines()
    tables = [step for step in location if not step.isdigit()]
    wanted = int(next((step for step in location if step.isdigit()), 0))
    header, start, seen = None, 0, 0
    for depth in range(len(tables), 0, -1):
        name = re.escape(".".join(tables[:depth]))
        for number, line in enumerate(lines, start=1):
            if re.match(rf"\s*\[\[?\s*{name}\s*\]\]?", line):
                header, start, seen = number, number, seen + 1
                if seen > wanted:
                    break
        if header:
            break
    for number, line in enumerate(lines[start:], start=start + 1):
        if re.match(r"\s*\[", line):
            break
        # A key may be all digits, as a place in a list is.
        keys = "|".join(map(re.escape, {*tables[-1:], *location[-1:]}))
        if keys and re.match(rf"\s*[\"']?({keys})[\"']?\s*=", line):
            return number
    return header

"""Files of studies: read with errors that say what was found, written whole or not at all."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from edge.errors import StudyError, StudyLost
from edge.study.plan import KIND, SCHEMA_VERSION, Part, Plan

MAX_FILE_BYTES = 16 * 2**20

P = TypeVar("P", bound=Part)


def read_plan(path: Path) -> Plan:
    """Read the file of a study.

    Raises:
        StudyError: It is no study file, damaged, or of another version; what was found.
    """
    return understood(text_of(path), Plan, str(path))


def understood(text: str, model: type[P], name: str) -> P:
    """A study file's text as what it says.

    Args:
        text: JSON.
        model: What it must look like.
        name: What a message calls it.

    Raises:
        StudyError: It is something else; the message says what was found and what to do.
    """
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(
            f"{name}: this is no JSON ({error}); give a study file that bricksight exported"
        ) from error
    head = values if isinstance(values, dict) else {}
    kind, version = head.get("kind"), head.get("schema_version")
    if kind != KIND:
        raise StudyError(
            f"{name}: this is no study file: found kind {_short(kind)}, expected {KIND!r}; give a"
            " file that bricksight exported"
        )
    if version != SCHEMA_VERSION:
        raise StudyError(
            f"{name}: found schema_version {_short(version)}, expected {SCHEMA_VERSION}; use the"
            " release that wrote it"
        )
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise StudyError(f"{name}: {_first(error)}; give a file as it was exported") from error


def text_of(path: Path) -> str:
    """The text of a file that somebody gave.

    Raises:
        StudyError: It cannot be read, is too large, or no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)  # The size of a device or a pipe says nothing.
        if len(content) > MAX_FILE_BYTES:
            raise StudyError(
                f"{path}: found a larger file; at most {MAX_FILE_BYTES:,} bytes are allowed"
            )
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{path}: this is no text in UTF-8 ({error}); give another file"
        ) from error
    except OSError as error:
        raise StudyError(f"{path} cannot be read ({error.strerror}); check the path") from error


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader, also after a power cut, sees the old one or all of the new.

    Raises:
        StudyLost: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise StudyLost(
            f"{path} cannot be written ({error.strerror}); make room, or let this user write there"
        ) from error


def _first(error: ValidationError) -> str:
    first, count = error.errors()[0], error.error_count()
    place = ".".join(str(step) for step in first["loc"]) or "the file"
    more = f", and {count - 1} more such" if count > 1 else ""
    if first["type"] == "missing":
        return f"{place}: missing{more}"
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: found {_short(first['input'])}; {said}{more}"


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."

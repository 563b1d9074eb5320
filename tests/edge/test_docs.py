"""What a user can set or call is documented, and the documentation says what is so."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

import edge.cli
from edge.config import File

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "deploy" / "edge.toml"
_SETTING = re.compile(r"(?P<off># )?(?P<key>[a-z_]+) = (?P<value>\S.*)$")


def documented() -> Iterator[tuple[str, str, bool, str]]:
    """Section, key, whether it is commented out, and value of each line of the reference."""
    section = ""
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif found := _SETTING.match(line):
            yield section, found["key"], bool(found["off"]), found["value"]


def sections() -> dict[str, type[BaseModel]]:
    """Each section's model by its name."""
    found = {}
    for name, field in File.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        found[name] = next(k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel))
    return found


def settings() -> list[tuple[str, str]]:
    return [(name, key) for name, model in sections().items() for key in model.model_fields]


@pytest.mark.parametrize(("section", "key"), settings())
def test_every_setting_is_in_the_reference(section: str, key: str) -> None:
    assert (section, key) in {(where, name) for where, name, *_ in documented()}


def test_the_reference_names_no_other_setting() -> None:
    assert {(where, name) for where, name, *_ in documented()} <= set(settings())


COMMENTED = [(where, key, value) for where, key, off, value in documented() if off]


@pytest.mark.parametrize(("section", "key", "value"), COMMENTED)
def test_what_is_commented_out_is_the_default(section: str, key: str, value: str) -> None:
    field = sections()[section].model_fields[key]
    default: Any = field.get_default(call_default_factory=True)
    if "not set: " in value:
        # There is nothing to show for "not set", so an example stands there.
        assert default is None
        return
    shown = tomllib.loads(f"{key} = {value}")[key]
    if default is None:
        pytest.fail(f"{section}.{key} is not set by default; the reference should say what then")
    assert shown == (list(default) if isinstance(default, tuple) else default)


def test_the_reference_is_valid_with_every_comment_taken_off() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    on = [line.removeprefix("# ") if _SETTING.match(line) else line for line in lines]
    File.model_validate(tomllib.loads("\n".join(on)))


# --- commands ---


def options(script: str, group: Any) -> list[tuple[str, str]]:
    """Script and command, with each long option that a user can give."""
    found = []
    for name, command in group.commands.items():
        found.append((f"{script} {name}", ""))
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    found.append((f"{script} {name}", option))
    return found


def readme() -> str:
    path = ROOT / "README.md"
    assert path.is_file(), "README.md is missing"
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "option"), options("bricksight-edge", typer.main.get_command(edge.cli.app))
)
def test_every_command_of_the_device_is_in_the_readme(command: str, option: str) -> None:
    text = readme()
    assert command in text
    assert option in text


def test_every_command_of_the_trainer_is_in_the_readme() -> None:
    # Its command line imports nothing of what only the trainer has, until a command runs.
    listing = (
        "import typer.main, trainer.cli\n"
        "for name, command in typer.main.get_command(trainer.cli.app).commands.items():\n"
        "    print('bricksight-trainer', name)\n"
        "    for p in command.params:\n"
        "        print(*(o for o in p.opts if o.startswith('--') and o != '--help'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True
    )
    text = readme()
    missing = [line for line in done.stdout.splitlines() if line and line not in text]
    assert missing == []

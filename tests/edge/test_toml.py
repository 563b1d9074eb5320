"""Settings files: every problem is one line with line, key, found and allowed."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from edge.errors import ConfigError
from edge.toml import FromList, Section, line_of, read_toml


class Engine(Section):
    power_w: float = Field(1.0, gt=0)
    names: Annotated[tuple[str, ...], FromList] = ()
    limits_w: Annotated[tuple[float, ...], FromList] = Field((1.0,), min_length=1)
    extra: dict[str, Any] = Field(default_factory=dict)


class Wheel(Section):
    size_px: int
    name: str = "w"


class Car(Section):
    colour: str = "red"
    engine: Engine = Engine()
    wheel: Annotated[tuple[Wheel, ...], FromList] = ()


def problems(folder: Path, text: str) -> list[str]:
    """What is said of a file, one entry a line, without its path."""
    path = folder / "car.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_toml(path, Car, ConfigError)
    return [line.removeprefix(str(path)) for line in str(refused.value).splitlines()]


def test_a_right_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    path.write_text(
        'colour = "blue"\n[engine]\npower_w = 3\nnames = ["a", "b"]\n[engine.extra]\nany = 1\n'
        "[[wheel]]\nsize_px = 4\n[[wheel]]\nsize_px = 5\n"
    )
    car = read_toml(path, Car, ConfigError)
    assert (car.colour, car.engine.power_w, car.engine.names) == ("blue", 3, ("a", "b"))
    assert car.engine.extra == {"any": 1}
    assert [wheel.size_px for wheel in car.wheel] == [4, 5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '\ncolor = "x"\n',
            ", line 2: color: unknown key; allowed here: colour, engine, wheel",
        ),
        (
            "[engine]\n# power\npower = 2\n",
            ", line 3: engine.power: unknown key; allowed here: extra, limits_w, names, power_w",
        ),
        (
            "[[wheel]]\nsize_px = 1\n\n[[wheel]]\nsize_px = 2\nnmae = 1\n",
            ", line 6: wheel.1.nmae: unknown key; allowed here: name, size_px",
        ),
        ("[wheels]\na = 1\n", ", line 1: wheels: unknown key; allowed here: colour, engine, wheel"),
        (
            '[engine]\npower_w = "fast"\n',
            ", line 2: engine.power_w: found 'fast'; input should be a valid number",
        ),
        (
            "[engine]\npower_w = -1\n",
            ", line 2: engine.power_w: found -1; input should be greater than 0",
        ),
        (
            "[engine]\npower_w = nan\n",
            ", line 2: engine.power_w: found nan; input should be greater than 0",
        ),
        ("colour = 3\n", ", line 1: colour: found 3; input should be a valid string"),
        (
            "[[wheel]]\nsize_px = 1.5\n",
            ", line 2: wheel.0.size_px: found 1.5; input should be a valid integer",
        ),
        (
            "[[wheel]]\nsize_px = true\n",
            ", line 2: wheel.0.size_px: found True; input should be a valid integer",
        ),
        (
            '[engine]\nnames = ["a",\n  7]\n',
            ", line 2: engine.names.1: found 7; input should be a valid string",
        ),
        ('[[wheel]]\nname = "x"\n', ", line 1: wheel.0.size_px: missing; add it"),
        ('engine = "big"\n', ", line 1: engine: found 'big'; "),
        (
            "[engine]\nnames = 3\n",
            ", line 2: engine.names: found 3; input should be a list",
        ),
        ("[engine]\nlimits_w = []\n", ", line 2: engine.limits_w: found (); list should have at"),
    ],
)
def test_a_wrong_value_is_named_by_its_line(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(expected)


def test_every_problem_gets_its_own_line(tmp_path: Path) -> None:
    text = "colour = 3\n[engine]\npower_w = 0\nfoo = 1\n[[wheel]]\nsize_px = 'a'\n"
    found = problems(tmp_path, text)
    assert [line.split(":")[0] for line in found] == [
        ", line 1",
        ", line 3",
        ", line 4",
        ", line 6",
    ]


def test_a_wrong_item_does_not_make_its_list_too_short(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "[engine]\nlimits_w = ['a']\n")
    assert "limits_w.0: found 'a'; input should be a valid number" in problem


@pytest.mark.parametrize(
    "value",
    [
        '["rtsp://me:sesame@host/"]',
        '{ a = "http://host/?key=sesame" }',
        '[["gstreamer:rtspsrc user-pw=sesame"]]',
        f'"{"x" * 60} rtsp://me:sesame@host/"',
    ],
)
def test_a_password_in_a_wrong_value_is_covered(tmp_path: Path, value: str) -> None:
    (problem,) = problems(tmp_path, f"[engine]\npower_w = {value}\n")
    assert "engine.power_w: found " in problem
    assert "sesame" not in problem


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    path.write_text('colour = "blue"\n', encoding="utf-8-sig")
    assert read_toml(path, Car, ConfigError).colour == "blue"


@pytest.mark.parametrize("depth", [200, 5_000])
def test_what_is_nested_deep_is_refused_in_one_line(tmp_path: Path, depth: int) -> None:
    (problem,) = problems(tmp_path, f"colour = {'[' * depth}{']' * depth}\n")
    assert "nested too deep" in problem or "colour: found" in problem


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"colour = \n", "not valid TOML: Invalid value (at line 1, column 10)"),
        (b'colour = "a"\ncolour = "b"\n', "not valid TOML: Cannot overwrite a value (at line 2"),
        (b'colour = "\xff"\n', "cannot be read"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "car.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_toml(path, Car, ConfigError)
    assert f"{path}: {said}" in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.toml", tmp_path):
        with pytest.raises(ConfigError) as refused:
            read_toml(path, Car, ConfigError)
        assert f"{path}: cannot be read" in str(refused.value)


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (["a"], 1),
        (["one", "a"], 4),
        (["one", "absent"], 3),
        (["two", "0", "a"], 6),
        (["two", "1", "a"], 9),
        (["two", "1", "list", "3"], 10),
        (["one", "sub", "b"], 12),
        (["absent"], None),
    ],
)
def test_the_line_of_a_key(location: list[str], line: int | None) -> None:
    text = (
        "a = 1\n"
        "# [one]\n"
        "[one]\n"
        "  a = 2\n"
        "[[two]]\n"
        "a = 3 # a = 4\n"
        "\n"
        "[[ two ]]\n"
        '"a" = 5\n'
        "list = [1,\n"
        "[one.sub]\n"
        "b = 1\n"
    )
    assert line_of(text, location) == line

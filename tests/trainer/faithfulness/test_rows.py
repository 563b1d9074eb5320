import json

import pytest

from trainer.errors import DatasetError
from trainer.faithfulness.rows import RowFile, plain

HEADER = {"bundle": "ab12", "methods": ("grad-cam", "lime"), "seed": 0}


@pytest.fixture
def path(tmp_path):
    file = RowFile(tmp_path / "out" / "rows.jsonl", HEADER)
    file.add("one", {"value": 1.0})
    file.add("two", {"value": float("nan")})
    return file.path


def test_rows_are_there_again(path):
    assert RowFile(path, HEADER).rows == {
        "one": {"key": "one", "value": 1.0},
        "two": {"key": "two", "value": None},
    }


def test_a_cut_line_is_made_again(path):
    path.write_bytes(path.read_bytes()[:-5])
    file = RowFile(path, HEADER)
    assert list(file.rows) == ["one"]
    file.add("two", {"value": 2})
    assert list(RowFile(path, HEADER).rows) == ["one", "two"]


@pytest.mark.parametrize("kept", range(1, 40, 7))
def test_a_cut_header_starts_anew(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    assert RowFile(path, HEADER).rows == {}
    assert json.loads(path.read_text())["header"]["bundle"] == "ab12"


def test_damage_in_the_middle_is_refused(path):
    lines = path.read_text().splitlines()
    lines[1] = lines[1][:-9]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DatasetError, match=r"line 2: damaged .* remove the file"):
        RowFile(path, HEADER)


def test_rows_of_other_settings_are_refused(path):
    with pytest.raises(DatasetError, match=r"other settings \(seed: 0, now 3\).*--out"):
        RowFile(path, HEADER | {"seed": 3})


def test_rows_are_strict_json(path):
    def refuse(constant):
        raise AssertionError(constant)

    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def test_plain_values():
    assert plain({"a": [float("inf"), 0.12345678, 3, "x"]}) == {"a": [None, 0.123457, 3, "x"]}

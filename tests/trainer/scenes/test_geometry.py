import pytest
from tiny_ldraw import CERTIFIED, FACES, SAME, write_library

from trainer.errors import GeometryError, PartError
from trainer.scenes.geometry import Geometry
from trainer.scenes.parametric import parametric_ids


@pytest.fixture
def folder(tmp_path):
    files = {
        "parts/3001.dat": [CERTIFIED, *FACES],
        "parts/3023.dat": [CERTIFIED, f"{SAME} 3001.dat"],
    }
    return write_library(tmp_path / "ldraw", files)


def test_a_library_gives_what_it_has_under_any_id(folder):
    geometry = Geometry(folder)
    assert geometry.ids() == ("3001", "3023b")
    assert geometry.mesh("3023b") is geometry.mesh("3023")
    with pytest.raises(GeometryError, match=r"no file 3005\.dat"):
        geometry.mesh("3005")


def test_without_a_library_shapes_are_computed():
    geometry = Geometry(None)
    assert geometry.ids() == parametric_ids()
    assert geometry.mesh("3001") is geometry.mesh("3001")


def test_an_unknown_part_is_told_so():
    with pytest.raises(PartError, match="'brick': none of the 85 known parts"):
        Geometry(None).mesh("brick")


def test_the_environment_names_the_library(folder, monkeypatch):
    monkeypatch.setenv("LDRAWDIR", str(folder))
    assert Geometry.from_environment().ids() == ("3001", "3023b")
    monkeypatch.setenv("LDRAWDIR", " ")
    assert Geometry.from_environment().ids() == parametric_ids()
    monkeypatch.setenv("LDRAWDIR", str(folder / "none"))
    with pytest.raises(GeometryError, match="no such folder"):
        Geometry.from_environment()

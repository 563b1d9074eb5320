import re
from collections import Counter

import pytest

from trainer.errors import PartError
from trainer.scenes.colours import colours
from trainer.scenes.parts import find, name_of, parts


def test_every_part_has_a_name_a_family_and_known_colours():
    assert len(parts()) == 85
    for part in parts().values():
        assert part.name
        assert part.family
        assert part.bricklink
        assert part.colours
        assert set(part.colours) <= set(colours())


def test_no_id_means_two_parts():
    names = Counter(
        name for part in parts().values() for name in {part.id, *part.aliases, part.bricklink}
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_part_comes_in_an_opaque_colour():
    for part in parts().values():
        assert any(colours()[code].opacity == 1 for code in part.colours), part


def test_colours_are_as_described():
    assert len(colours()) >= 30
    for code, colour in colours().items():
        assert code == colour.code
        assert re.fullmatch("#[0-9a-f]{6}", colour.srgb)
        assert (colour.opacity, colour.finish) in [(1.0, "solid"), (0.5, "transparent")]
        assert (colour.finish == "transparent") == colour.name.startswith("Trans")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("3001", "3001"),
        ("3023", "3023b"),
        ("3023B", "3023b"),
        ("4073", "6141"),
        (" 3070 ", "3070b"),
    ],
)
def test_a_part_is_found_by_any_of_its_ids(asked, found):
    assert find(asked).id == found


def test_an_unknown_part_names_close_ones():
    with pytest.raises(PartError, match=r"'3001x': .*85 known parts; .*3001 \(Brick 2x4\)"):
        find("3001x")
    with pytest.raises(PartError, match=r"'\?': .*parts\.csv"):
        find("?")


def test_a_name_for_what_is_not_known():
    assert name_of("3001") == "Brick 2x4"
    assert name_of("x") == "Part x"

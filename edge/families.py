"""The family of a brick type, as its name in the bundle says."""

import re

_PLAIN = r"\d+x\d+(?: corner)?$"
_NAMES = (
    ("technic", r"Technic\b"),
    ("slope", r"(?:.* )?slope\b"),
    ("round", r"(?:Round|Cone|Dish)\b"),
    ("brick", rf"Brick {_PLAIN}"),
    ("modified brick", r"Brick\b"),
    ("plate", rf"Plate {_PLAIN}"),
    ("modified plate", r"(?:Plate|Bracket|Tile .* with)\b"),
    ("tile", r"Tile\b"),
)
OTHER = "other"
FAMILIES = (*(family for family, _ in _NAMES), OTHER)
"""All families, closed."""


def family_of(name: str) -> str:
    """The family of a label by its name: the first of `FAMILIES` whose words it has.

    Args:
        name: As in the bundle, in English; upper and lower case are the same.

    Returns:
        One of `FAMILIES`; "other" for a name that says none.

    Example:
        >>> family_of("Plate 2x4"), family_of("Curved slope 2x1"), family_of("Brick 1x2 log")
        ('plate', 'slope', 'modified brick')
    """
    found = (family for family, words in _NAMES if re.match(words, name, re.IGNORECASE))
    return next(found, OTHER)

"""Near-duplicates in groups, each of which goes to one side of a split."""

from collections.abc import Sequence

from edge.corrections.likeness import Likeness


def groups_of(pictures: Sequence[tuple[Likeness, frozenset[str]]]) -> list[int]:
    """Put pictures together that show nearly the same and have the same labels.

    Whoever is near to one of a group belongs to it, so that no two near-duplicates are apart. The
    same pile has the same labels; other labels mean another pile, however alike they look.

    Args:
        pictures: What is compared of each, and its labels; the oldest first.

    Returns:
        For each picture the place of the oldest of its group. A picture that is added later
        changes nothing for the groups that it is not near to.
    """
    first = list(range(len(pictures)))
    by_labels: dict[frozenset[str], list[int]] = {}
    for place, (likeness, labels) in enumerate(pictures):
        alike = by_labels.setdefault(labels, [])
        for other in alike:
            if likeness.nearly(pictures[other][0]):
                _join(first, place, other)
        alike.append(place)
    return [_first(first, place) for place in range(len(pictures))]


def _join(first: list[int], one: int, other: int) -> None:
    ends = sorted((_first(first, one), _first(first, other)))
    first[ends[1]] = ends[0]


def _first(first: list[int], place: int) -> int:
    while first[place] != place:
        first[place] = first[first[place]]
        place = first[place]
    return place

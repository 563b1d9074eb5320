"""Who sees what, in which order, on which side: all of it follows from the study's seed.

- Each participant sees each item once, each method on the left equally often (as nearly as an odd
  number of items allows).
- Participants come in pairs of opposite sides, so that over both each item has each method on
  the left once.
- The order is drawn anew for each participant.
- Two items return in the last part with their sides exchanged, one from each side; what is
  consistent there is not just the side.
- One catch item stands neither first nor last.
- The objective block follows at the end, because it names bricks: each item once, half of them by
  each method, the other half for the other of the pair.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edge.study.plan import Brick, Item, Method, Plan

REPEATS = 2
MAX_OBJECTIVE = 10
RIGHT, WRONG = "right place", "wrong place"
"""What stands beside each other in a catch trial, in place of methods."""


class Kind(StrEnum):
    """What a trial is for."""

    CHOICE = "choice"
    REPEAT = "repeat"
    CATCH = "catch"
    OBJECTIVE = "objective"


@dataclass(frozen=True, slots=True)
class Trial:
    """One question.

    Attributes:
        number: From 1.
        kind: What for.
        item: None for the catch.
        picture: SHA-256 of the plain picture.
        shown: The same of the maps: left and right, or the one of the objective block.
        contents: What those are: a method, or whether it is the right place of the catch.
        options: Bricks of the objective block, in the order they are shown.
    """

    number: int
    kind: Kind
    item: Item | None
    picture: str
    shown: tuple[str, ...]
    contents: tuple[str, ...]
    options: tuple[Brick, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be answered."""
        if self.kind is Kind.OBJECTIVE:
            return tuple(str(place) for place in range(1, len(self.options) + 1))
        return "left", "right"

    def meaning(self, choice: str) -> str:
        """What was chosen: a method, a place of the catch, or the id of a brick."""
        place = self.choices.index(choice)
        return self.options[place].id if self.options else self.contents[place]

    @property
    def correct(self) -> str | None:
        """What the right answer means; None where there is none."""
        if self.kind is Kind.CATCH:
            return RIGHT
        return self.item.brick.id if self.kind is Kind.OBJECTIVE and self.item else None


def trials_of(plan: Plan, number: int) -> tuple[Trial, ...]:
    """All trials of a participant, in their order.

    Args:
        plan: Of the study.
        number: Of the participant, from 0, as they came.
    """
    left = _left_sides(plan, number)
    random = np.random.default_rng([plan.seed, 1, number])
    order = [plan.items[place] for place in random.permutation(len(plan.items))]
    slots: list[tuple[Kind, Item | None]] = [(Kind.CHOICE, item) for item in order]
    for item in _repeated(order, left, random):
        # At the end or before one of the last: not soon after it was seen first.
        spread = min(len(order) // 4, len(order) // 2 - 2)
        slots.insert(len(slots) - int(random.integers(0, spread + 1)), (Kind.REPEAT, item))
    slots.insert(int(random.integers(1, len(slots))), (Kind.CATCH, None))
    found = [_pair(plan, place, *slot, left, random) for place, slot in enumerate(slots, start=1)]
    return (*found, *_objective(plan, number, left, len(found), random))


def _left_sides(plan: Plan, number: int) -> dict[str, Method]:
    """Which method is on the left, by item; the second of a pair of people has the opposite."""
    count = len(plan.items)
    random = np.random.default_rng([plan.seed, 0, number // 2])
    first = np.arange(count) % 2 == int(random.integers(0, 2))
    random.shuffle(first)
    sides = first if number % 2 == 0 else ~first
    methods = (Method.LIME, Method.GRAD_CAM)
    return {item.id: methods[int(side)] for item, side in zip(plan.items, sides, strict=True)}


def _repeated(
    order: list[Item], left: dict[str, Method], random: np.random.Generator
) -> list[Item]:
    """An item of each side that comes early."""
    early = order[: max(1, len(order) // 2)]
    found = []
    for method in Method:
        candidates = [item for item in early if left[item.id] is method]
        candidates = candidates or [item for item in order if left[item.id] is method][:1]
        found.append(candidates[int(random.integers(0, len(candidates)))])
    return found


def _pair(
    plan: Plan,
    number: int,
    kind: Kind,
    item: Item | None,
    left: dict[str, Method],
    random: np.random.Generator,
) -> Trial:
    if item is None:
        catch = plan.catch
        both = [(catch.right, RIGHT), (catch.wrong, WRONG)]
        first, second = both if random.integers(0, 2) else both[::-1]
        shown, contents = zip(first, second, strict=True)
        return Trial(number, kind, None, catch.picture, shown, contents)
    method = left[item.id] if kind is Kind.CHOICE else left[item.id].other
    shown = item.maps[method], item.maps[method.other]
    return Trial(number, kind, item, item.picture, shown, (method, method.other))


def _objective(
    plan: Plan, number: int, left: dict[str, Method], before: int, random: np.random.Generator
) -> list[Trial]:
    if not plan.objective:
        return []
    # The same items for both of a pair, by opposite methods.
    chosen = np.random.default_rng([plan.seed, 2, number // 2])
    items = [item for item in plan.items if item.others]
    places = chosen.permutation(len(items))[:MAX_OBJECTIVE]
    random.shuffle(places)
    found: list[Trial] = []
    for place in places:
        item = items[int(place)]
        bricks = (item.brick, *item.others)
        options = tuple(bricks[at] for at in random.permutation(len(bricks)))
        method = left[item.id]
        found.append(
            Trial(
                before + len(found) + 1,
                Kind.OBJECTIVE,
                item,
                item.picture,
                (item.maps[method],),
                (method,),
                options,
            )
        )
    return found

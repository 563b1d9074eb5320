"""What became of the items: every item seen is in exactly one place, and the sum says so."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum


class Outcome(StrEnum):
    """What became of an item; every item seen has exactly one."""

    CONFIRMED = "confirmed"
    FIRED = "fired"
    MISSED = "missed"
    REFUSED = "refused"
    REVIEW = "review"
    UNMOVED = "unmoved"
    UNKNOWN = "unknown"
    PENDING = "pending"


PARTS: Mapping[str, tuple[Outcome, ...]] = {
    "confirmed": (Outcome.CONFIRMED,),
    "fired": (Outcome.FIRED,),
    "missed": (Outcome.MISSED, Outcome.REFUSED),
    "review": (Outcome.REVIEW, Outcome.UNMOVED),
    "unknown": (Outcome.UNKNOWN, Outcome.PENDING),
}
"""The five words of the balance: of what each is the sum, the finer outcomes last."""
WITHIN: Mapping[Outcome, str] = {
    Outcome.REFUSED: "refused by the machine",
    Outcome.UNMOVED: "left where they were",
    Outcome.PENDING: "still under way",
}
"""What a finer outcome is called inside its word."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How many items were seen and what became of them, pruned ones included.

    seen = confirmed + fired + missed + review + unknown, where each word is the sum of its finer
    outcomes; `parts` gives the five.

    Attributes:
        seen: All items.
        confirmed: Moved, and a sensor saw the drop.
        fired: Moved; whether it arrived was not seen.
        missed: Accepted by the machine, and not moved.
        refused: Not taken by the machine; one of the missed.
        review: For a person to look at: moved to the review bin, or left where it was.
        unmoved: Nothing was sent: left where it was, and so for a person, too.
        unknown: Sent, and it is not known what happened.
        pending: Sent, with the result still to come; one of the unknown.
    """

    seen: int = 0
    confirmed: int = 0
    fired: int = 0
    missed: int = 0
    refused: int = 0
    review: int = 0
    unmoved: int = 0
    unknown: int = 0
    pending: int = 0

    @property
    def parts(self) -> dict[str, int]:
        """The five words and how many items each stands for."""
        return {word: sum(map(self.count, outcomes)) for word, outcomes in PARTS.items()}

    @property
    def reconciles(self) -> bool:
        """Whether every item seen is in exactly one of the others, by both ways of counting."""
        finer = sum(map(self.count, Outcome))
        return self.seen == sum(self.parts.values()) == finer and not self._below_zero()

    @property
    def sentence(self) -> str:
        """The equation, for a person."""
        words = " + ".join(f"{count} {word}" for word, count in self.parts.items())
        finer = [
            f"{self.count(outcome)} {words}"
            for outcome, words in WITHIN.items()
            if self.count(outcome)
        ]
        sign = "=" if self.reconciles else "IS NOT"
        return f"{self.seen} seen {sign} {words}" + (f" ({', '.join(finer)})" if finer else "")

    def count(self, outcome: Outcome) -> int:
        """How many items ended so."""
        return int(getattr(self, outcome))

    def _below_zero(self) -> bool:
        return any(getattr(self, field.name) < 0 for field in fields(self))

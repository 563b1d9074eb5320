"""What was asked of the explainer, and how far it is."""

from dataclasses import dataclass
from enum import StrEnum

from edge.domain import Explanation, Label, Prediction
from edge.explain.agreement import Agreement


class ExplainState(StrEnum):
    """Where a request is."""

    QUEUED = "queued"
    SEGMENTING = "segmenting"
    SAMPLING = "sampling"
    DONE = "done"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in (ExplainState.QUEUED, ExplainState.SEGMENTING, ExplainState.SAMPLING)


@dataclass(frozen=True, slots=True, eq=False)
class ExplainRequest:
    """One prediction that is to be explained by LIME.

    Attributes:
        number: Counts up by one for every request.
        prediction: What is explained.
        labels: At least one label of the bundle.
        hires: HiResCAM of the same labels, to compare with; None where the bundle has none.
        pinned: Whether a person asked for it: newer requests do not push it aside.
    """

    number: int
    prediction: Prediction
    labels: tuple[Label, ...]
    hires: Explanation | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far a request is.

    Attributes:
        request: The request.
        state: Where it is.
        samples, budget: How many perturbed pictures were classified, of how many at most.
        lowered_from: What the budget would be on a cool and idle machine; None where it is that.
        explanation: LIME as far as it is known: interim while sampling, what there was when it
            was cancelled; None before.
        agreements: With HiResCAM, one for each label; empty before the end and without HiResCAM.
        problem: Why it failed.
    """

    request: ExplainRequest
    state: ExplainState
    samples: int = 0
    budget: int = 0
    lowered_from: int | None = None
    explanation: Explanation | None = None
    agreements: tuple[Agreement, ...] = ()
    problem: str | None = None

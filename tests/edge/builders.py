"""Small, whole domain objects for tests."""

from collections.abc import Sequence

import numpy as np

from edge.domain import Frame, Label, Prediction
from edge.items import Item, Trigger

LABELS = (
    Label(0, "3001", "Brick 2x4"),
    Label(1, "3003", "Brick 2x2"),
    Label(2, "3020", "Plate 2x4"),
    Label(3, "3710", "Plate 1x4"),
)


def make_prediction(
    probabilities: Sequence[float] = (0.9, 0.1, 0.05, 0.02),
    present: Sequence[int] | None = None,
    captured_at_s: float = 100.0,
    sequence: int = 1,
    grey: int = 80,
) -> Prediction:
    """A prediction of the four `LABELS` on an even picture.

    Args:
        probabilities: One for each label.
        present: Indices of the labels present; by default those at 0.5 or more.
        captured_at_s: When its frame was captured.
        sequence: Of its frame.
        grey: 0..255, what the picture is filled with.
    """
    chances = np.array(probabilities, np.float32)
    held = np.clip(chances, 1e-6, 1 - 1e-6)
    indices = [i for i, p in enumerate(probabilities) if p >= 0.5] if present is None else present
    ordered = sorted(indices, key=lambda index: -probabilities[index])
    return Prediction(
        frame=Frame(sequence, captured_at_s, np.full((12, 16, 3), grey, np.uint8)),
        model_input=np.full((64, 64, 3), grey, np.uint8),
        logits=np.log(held / (1 - held)),
        probabilities=chances,
        present=tuple(LABELS[index] for index in ordered),
    )


def make_item(
    prediction: Prediction | None = None,
    agreeing: int = 3,
    started_at_s: float = 99.8,
    labels: tuple[Label, ...] | None = None,
) -> Item:
    """An item of three equal frames, by default one agreed "3001"."""
    seen = prediction or make_prediction()
    return Item(
        number=1,
        predictions=(seen,) * 3,
        labels=seen.present if labels is None else labels,
        agreeing=agreeing,
        needed=3,
        started_at_s=started_at_s,
        trigger=Trigger.STILL,
    )

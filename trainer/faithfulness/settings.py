"""What an evaluation of explanations was asked for."""

from dataclasses import dataclass

from trainer.faithfulness.perturb import STEPS

STABILITY_EVERY = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What every row of an evaluation depends on.

    Attributes:
        methods: Some of `trainer.faithfulness.attributions.METHODS`, in its order.
        lime_runs: How often LIME is repeated with other seeds where its stability is measured.
        seed: Of all chance.
        stability_every: LIME is repeated on each picture whose number this divides.
        steps: In which cells are hidden.
    """

    methods: tuple[str, ...]
    lime_runs: int = 10
    seed: int = 0
    stability_every: int = STABILITY_EVERY
    steps: int = STEPS

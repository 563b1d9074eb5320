"""Every figure of one picture, as a row of plain values."""

from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle import read_bundle
from edge.domain import Prediction
from edge.interpreter import Interpreter
from trainer.dataset import Sample, read_image
from trainer.faithfulness import maps as figures
from trainer.faithfulness.attributions import Attribution, Attributions
from trainer.faithfulness.cases import Case, against_mask, cases_of
from trainer.faithfulness.masks import read_masks
from trainer.faithfulness.networks import Networks
from trainer.faithfulness.perturb import Hiding, area, selectivity, symmetric_difference
from trainer.faithfulness.sanity import max_sensitivity, noisy
from trainer.faithfulness.settings import Settings
from trainer.faithfulness.statistics import entropy, gini, spearman, stability

TOP_SUPERPIXELS = 10


class Examiner:
    """Examines pictures; used by one thread only.

    Args:
        attributions: The methods under test.
        networks: With the companions of random layers.
        settings: Of the whole evaluation.
    """

    def __init__(self, attributions: Attributions, networks: Networks, settings: Settings) -> None:
        self.attributions = attributions
        self.settings = settings
        self._randomised = [Interpreter(path) for path in networks.randomised]

    def examine(self, sample: Sample, number: int) -> dict[str, Any]:
        """Every figure of one picture.

        Args:
            sample: With an instance map.
            number: Of the picture in its split; LIME is repeated on every
                `settings.stability_every`-th.

        Returns:
            "seed", "agreement" of the int8 model and the companion, "labels": a row for each
            label that is there or was reported.
        """
        run = self.attributions
        prediction = run.classify(read_image(sample))
        masks = read_masks(sample, run.bundle.preprocessing)
        cases = cases_of(run.bundle.labels, sample, prediction, masks)
        row: dict[str, Any] = {"seed": sample.seed, "agreement": self._agreement(prediction)}
        row["labels"] = self._labels(prediction, cases, sample.seed, number) if cases else []
        return row

    def _agreement(self, prediction: Prediction) -> dict[str, float]:
        said = self.attributions.companion_record(prediction)
        off = np.abs(said["logits"] - prediction.logits)
        return {
            "disagreements": len(said["disagrees"]),
            "mean_logit_difference": float(off.mean()),
            "largest_logit_difference": float(off.max()),
        }

    def _labels(
        self, prediction: Prediction, cases: list[Case], seed: int, number: int
    ) -> list[dict[str, Any]]:
        indices = [case.index for case in cases]
        rng = np.random.default_rng([self.settings.seed, seed])
        n = len(self.attributions.bundle.labels)
        strangers = [(i + int(rng.integers(1, n))) % n for i in indices] if n > 1 else indices
        both = self.attributions.explain(prediction, indices, seed, strangers)
        hiding = Hiding(prediction.model_input, self.attributions.logits, self.settings.steps)
        sensitivity = self._sensitivity(prediction, indices, rng)
        randomised = self._randomisation(prediction, indices, both)
        steady = self._stability(prediction, indices, seed, number)
        rows = []
        for k, case in enumerate(cases):
            methods = {
                method: self._figures(hiding, case, found, k, len(cases), method, seed)
                for method, found in both.items()
            }
            for method, values in sensitivity.items():
                methods[method]["max_sensitivity"] = float(values[k])
            if "lime" in methods:
                methods["lime"]["stability"] = steady[k]
            rows.append(
                {
                    "part": case.part,
                    "outcome": case.outcome,
                    "probability": float(prediction.probabilities[case.index]),
                    "methods": methods,
                    "randomised": {m: [depth[k] for depth in v] for m, v in randomised.items()},
                }
            )
        return rows

    def _figures(
        self,
        hiding: Hiding,
        case: Case,
        found: Attribution,
        k: int,
        count: int,
        method: str,
        seed: int,
    ) -> dict[str, Any]:
        heat = figures.positive(found.maps[k])
        return {
            **against_mask(heat, case, method),
            **self._removal(heat, hiding, case, seed),
            "random_logit": spearman(heat, figures.positive(found.maps[count + k])),
            "gini": gini(heat),
            "entropy": entropy(heat),
            "r2": float(found.r2[k]),
        }

    def _removal(self, heat: np.ndarray, hiding: Hiding, case: Case, seed: int) -> dict[str, Any]:
        gone, probability = hiding.remove(heat, seed), self.attributions.bundle.probabilities
        most, least = (
            np.array([probability(z)[case.index] for z in curve])
            for curve in (gone.most_first, gone.least_first)
        )
        own = gone.most_first[:, case.index], gone.least_first[:, case.index]
        return {
            "deletion": area(most),
            "insertion": area(least),
            "symmetric_difference": symmetric_difference(*own),
            "selectivity": selectivity(
                gone.most_first[0], gone.most_first[1], case.index, case.others
            ),
            "deletion_curve": [round(float(v), 5) for v in most],
            "insertion_curve": [round(float(v), 5) for v in least[::-1]],
        }

    def _sensitivity(
        self, prediction: Prediction, indices: list[int], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        base = self.attributions.gradients(prediction, indices)
        if not base:
            return {}
        shaken = [
            self.attributions.gradients(self.attributions.classify(picture), indices)
            for picture in noisy(prediction.model_input, rng)
        ]
        return {
            m: max_sensitivity(figures.positive(v), [figures.positive(s[m]) for s in shaken])
            for m, v in base.items()
        }

    def _randomisation(
        self, prediction: Prediction, indices: list[int], found: dict[str, Attribution]
    ) -> dict[str, list[list[float]]]:
        wanted = np.array(indices, np.int32)
        after = [model.run(prediction.model_input[None], wanted)[1:] for model in self._randomised]
        outputs = {"grad-cam": 0, "grad-cam-max": 2}
        return {
            method: [
                [spearman(a, b) for a, b in zip(found[method].maps, maps[output], strict=False)]
                for maps in after
            ]
            for method, output in outputs.items()
            if method in found and after and len(after[0]) > output
        }

    def _stability(
        self, prediction: Prediction, indices: list[int], seed: int, number: int
    ) -> list[float]:
        due = number % self.settings.stability_every == 0 and self.settings.lime_runs > 1
        if "lime" not in self.attributions.methods or not due:
            return [figures.NOTHING] * len(indices)
        runs = [
            self.attributions.lime(prediction, seed + 1 + run, indices).coefficients
            for run in range(self.settings.lime_runs)
        ]
        return [stability([run[i] for run in runs], TOP_SUPERPIXELS) for i in indices]


def open_examiner(folder: Path, networks: Networks, settings: Settings) -> Examiner:
    """An examiner of the bundle in a folder."""
    bundle = read_bundle(folder)
    return Examiner(Attributions(bundle, settings.methods, networks), networks, settings)

"""Makes the pictures of a study; in a process of its own, beside everything the device does.

Run as `python -m edge.study.making FOLDER`; FOLDER has the wish.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.domain import Frame, Label, Prediction
from edge.errors import EdgeError, StudyError, StudyLost
from edge.explain.colours import Picture, Values
from edge.explain.gradcam import GradCam
from edge.explain.lime import lime
from edge.explain.lime_result import LimeSettings
from edge.explain.overlay import map_on_picture, segments_on_picture
from edge.study.answers import AnswerBook
from edge.study.drawing import catch_pictures, draw_evidence, encode, shown_size
from edge.study.files import write_atomically
from edge.study.plan import MIN_ITEMS, OPTIONS, Brick, Catch, Item, Method, Plan
from edge.study.progress import Making, Stage, Wish, note, read_wish
from edge.study.sources import Found, Source
from edge.study.study import ANSWERS, PLAN, picture_path

NICE = 15
NO_EVIDENCE = "{} found nothing that speaks for the label"
Watcher = Callable[[int, int], None]
"""Told how many pictures are made, and of how many."""


class PictureMaker:
    """Explains pictures by both methods and keeps what is shown of them.

    Args:
        folder: Of the study.
        bundle: The model.
        wish: What the study is to be.
    """

    def __init__(self, folder: Path, bundle: Bundle, wish: Wish) -> None:
        self._folder, self._bundle = folder, bundle
        self._classifier, self._gradcam = Classifier(bundle), GradCam(bundle)
        settings = LimeSettings(seed=wish.seed % 2**32)
        self._settings = (
            settings if wish.samples is None else replace(settings, samples=wish.samples)
        )
        self._random = np.random.default_rng([wish.seed, 3])

    def item(self, number: int, found: Found) -> Item | str:
        """Make the pictures of an item, or say why it cannot be shown.

        Args:
            number: From 1.
            found: The picture.
        """
        image = shown_size(found.image)
        prediction = self._classifier.classify(Frame(0, time.monotonic(), found.image))
        chances = prediction.probabilities
        label = self._bundle.labels[int(chances.argmax())]
        drawn = {}
        for method, explain in (
            (Method.GRAD_CAM, self._gradients),
            (Method.LIME, self._superpixels),
        ):
            evidence = explain(prediction, label, image)
            # Not by the whole map: the bars of a letterboxed picture may have had all of it.
            if not (evidence > 0).any():
                return NO_EVIDENCE.format(method.shown)
            drawn[method] = draw_evidence(image, evidence)
        return Item(
            id=f"i{number:02d}",
            source=found.source,
            brick=_brick(label),
            confidence=min(1.0, max(0.0, float(chances[label.index]))),
            picture=self.keep(image),
            maps={method: self.keep(picture) for method, picture in drawn.items()},
            others=tuple(map(_brick, self._others(prediction, label))),
        )

    def catch(self) -> Catch:
        """Make the pictures of the catch."""
        plain, right, wrong = map(self.keep, catch_pictures())
        return Catch(picture=plain, right=right, wrong=wrong)

    def keep(self, picture: Picture) -> str:
        """Write a picture under its SHA-256, which it returns.

        Raises:
            StudyLost: It cannot be written.
        """
        data = encode(picture)
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            picture_path(self._folder, sha256).write_bytes(data)
        except OSError as error:
            raise StudyLost(
                f"{self._folder}: a picture cannot be written ({error.strerror}); make room"
            ) from error
        return sha256

    def _gradients(self, prediction: Prediction, label: Label, image: Picture) -> Values:
        heat = self._gradcam.explain(prediction, [label]).maps[0]
        return map_on_picture(heat, image, self._bundle.preprocessing)

    def _superpixels(self, prediction: Prediction, label: Label, image: Picture) -> Values:
        result = lime(
            prediction.model_input, self._classifier.logits, self._settings, wanted=[label.index]
        )
        laid = segments_on_picture(result.segments, image, self._bundle.preprocessing)
        weights = result.coefficients[label.index]
        return np.where(laid < 0, np.float32(0), weights[np.maximum(laid, 0)])

    def _others(self, prediction: Prediction, label: Label) -> tuple[Label, ...]:
        """Wrong options: what else is in the picture, which is hardest, then any."""
        beside = [other for other in prediction.present if other != label]
        rest = [other for other in self._bundle.labels if other not in (label, *beside)]
        drawn = [rest[int(at)] for at in self._random.permutation(len(rest))[: OPTIONS - 1]]
        return tuple((*beside, *drawn)[: OPTIONS - 1])


def make_study(folder: Path, wish: Wish, watch: Watcher = lambda made, of: None) -> Plan:
    """Make everything of a study; it is a draft then.

    Args:
        folder: Its own, with room for pictures; named by its id.
        wish: What it is to be.
        watch: Told after each picture.

    Raises:
        EdgeError: There are too few pictures, or something cannot be read or written.
    """
    bundle = read_bundle(Path(wish.bundle))
    maker = PictureMaker(folder, bundle, wish)
    source = _source(wish)
    items: list[Item] = []
    watch(0, wish.count)
    for found in source:
        made = maker.item(len(items) + 1, found)
        if isinstance(made, str):
            source.left_out[made] += 1
            continue
        items.append(made)
        watch(len(items), wish.count)
        if len(items) == wish.count:
            break
    if len(items) < MIN_ITEMS:
        raise StudyError(_too_few(len(items), source))
    plan = Plan(
        id=folder.name,
        title=wish.title,
        asked=wish.asked,
        ask_confidence=wish.ask_confidence,
        objective=wish.objective,
        seed=wish.seed,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        model_sha256=bundle.sha256,
        items=tuple(items),
        catch=maker.catch(),
        left_out=dict(source.left_out),
    )
    AnswerBook(folder / ANSWERS, plan.id).begin()
    # Last of all: a study without it is not made yet.
    write_atomically(folder / PLAN, plan.model_dump_json(indent=1))
    return plan


def _source(wish: Wish) -> Source:
    journal, pictures = (Path(path) if path else None for path in (wish.journal, wish.pictures))
    return Source(journal, pictures)


def _too_few(count: int, source: Source) -> str:
    why = "; ".join(f"{times} left out: {reason}" for reason, times in source.left_out.items())
    return (
        f"found {count} pictures that can be shown, at least {MIN_ITEMS} are needed"
        + (f" ({why})" if why else "")
        + ". Let the device see more items, or take a folder with more pictures"
    )


def _brick(label: Label) -> Brick:
    return Brick(id=label.id, name=label.name)


def main(folder: Path) -> int:
    """What the process does; everything that goes wrong is in the file of the progress."""
    # Whoever started it handed on the right to make this study with an open file.
    os.nice(NICE)
    try:
        make_study(
            folder,
            read_wish(folder),
            lambda made, of: note(folder, Making(stage=Stage.RUNNING, made=made, of=of)),
        )
    except EdgeError as error:
        note(folder, Making(stage=Stage.FAILED, problem=str(error)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

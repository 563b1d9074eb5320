"""Pictures of piles, and people who say what is right on them."""

import hashlib

import cv2
import numpy as np

from edge.corrections.corrections import Correction, Corrections, Subject

MODEL = "5f" * 32


def jpeg(seed: int = 0, shift: int = 0, noise: float = 0.0) -> bytes:
    """Bricks on a belt; another seed is another pile."""
    rng = np.random.default_rng(seed)
    image = np.full((240, 320, 3), 170, np.uint8)
    for _ in range(12):
        corner = rng.integers(0, (280, 200)) + shift
        size = rng.integers(20, 70, 2)
        colour = tuple(int(part) for part in rng.integers(0, 256, 3))
        cv2.rectangle(image, corner.tolist(), (corner + size).tolist(), colour, -1)
    if noise:
        rough = image + np.random.default_rng(99).normal(0, noise, image.shape)
        image = np.clip(rough, 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", image)[1])


def subject(item_id: int, picture: bytes, *recognised: str) -> Subject:
    return Subject(item_id, hashlib.sha256(picture).hexdigest(), MODEL, recognised or ("3001",))


def say(
    corrections: Corrections,
    item_id: int = 1,
    labels: tuple[str, ...] = ("3001",),
    seen: int = 0,
    picture: bytes | None = None,
    who: str = "tess",
) -> Correction:
    content = jpeg(item_id) if picture is None else picture
    about = subject(item_id, content)
    return corrections.correct(about, content, labels, "", who, seen, now_s=1000.0 + item_id)

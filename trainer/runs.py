"""The folder of a training run; a run that was stopped goes on where it was.

recipe.toml     the recipe, as it was read
run.json        recipe hash, commit, seed, labels, versions
history.jsonl   one object an epoch
epoch-N.keras   weights and optimiser after the last whole epoch, N
state.json      how many epochs are done; only what it names counts
best.keras      the averaged weights of the best epoch so far
final.keras     weights when the recipe is done
"""

import json
import platform
import shutil
import subprocess
from pathlib import Path

import keras

from trainer.errors import RecipeError
from trainer.recipe import Recipe, recipe_hash


def claim(run: Path, recipe: Recipe, recipe_path: Path) -> int:
    """Make a run folder, or go on with it.

    Returns:
        How many epochs are done.

    Raises:
        RecipeError: The folder cannot be made, or holds another run.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(f"{run}: no run folder can be made there ({error.strerror})") from error
    described, state = run / "run.json", run / "state.json"
    if described.exists():
        known = read_facts(described)["recipe_sha256"]
        if known != recipe_hash(recipe):
            raise RecipeError(
                f"{run}: holds a run of another recipe ({known[:12]}, this one is"
                f" {recipe_hash(recipe)[:12]}); choose another --run folder"
            )
    elif state.exists():
        raise RecipeError(f"{run}: a run without its run.json; choose another --run folder")
    else:
        shutil.copyfile(recipe_path, run / "recipe.toml")
    done = int(read_facts(state)["epochs_done"]) if state.exists() else 0
    _forget_after(run / "history.jsonl", done)
    return done


def read_facts(path: Path) -> dict:
    """Read run.json or state.json.

    Raises:
        RecipeError: It is damaged.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: damaged ({error}); choose another --run folder") from error
    return facts


def read_history(run: Path) -> list[dict]:
    """One object for each epoch that is done."""
    history = run / "history.jsonl"
    if not history.exists():
        return []
    return [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]


def _forget_after(history: Path, epochs: int) -> None:
    # A run that was killed between an epoch's history and its state does that epoch again.
    if history.exists():
        lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
        write_atomically(history, "".join(lines[:epochs]))


def describe(run: Path, recipe: Recipe, labels: tuple[str, ...], data: str) -> None:
    """Write run.json, or compare with it.

    Raises:
        RecipeError: The run was begun with other labels.
    """
    path = run / "run.json"
    if path.exists():
        known = tuple(read_facts(path)["labels"])
        if known != labels:
            raise RecipeError(
                f"{run}: was begun with {len(known)} labels; {data} has {len(labels)}, or others."
                " Go on with the same --data, or choose another --run folder"
            )
        return
    described = {
        "recipe_sha256": recipe_hash(recipe),
        "seed": recipe.seed,
        "commit": commit(),
        "labels": labels,
        "data": data,
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "python": platform.python_version(),
    }
    write_atomically(path, json.dumps(described, indent=1))


def commit() -> str:
    """The commit this code is at, or "unknown" outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def load_epoch(run: Path, done: int) -> keras.Model:
    """The model and its optimiser after `done` epochs.

    Raises:
        RecipeError: The file is damaged.
    """
    path = run / f"epoch-{done}.keras"
    try:
        return keras.saving.load_model(path)
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{path}: cannot be read ({error}); choose another --run folder"
        ) from error


def record(run: Path, model: keras.Model, row: dict) -> None:
    """Keep an epoch: weights first, state last, so that a kill loses nothing that is named."""
    weights = run / f"epoch-{row['epoch']}.keras"
    model.save(weights)
    with (run / "history.jsonl").open("a", encoding="utf-8") as history:
        history.write(json.dumps(row) + "\n")
    write_atomically(run / "state.json", json.dumps({"epochs_done": row["epoch"]}))
    for old in set(run.glob("epoch-*.keras")) - {weights}:
        old.unlink()


def write_atomically(path: Path, text: str) -> None:
    """Write a small text file so that a reader sees the old or the new one, never half."""
    staged = path.with_name(path.name + ".staged")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)

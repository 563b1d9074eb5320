"""A device with staged models, for the tests of swaps."""

import json
from pathlib import Path

from bundle_copies import copy_bundle, edit_manifest

from edge.config import read_config
from edge.swap.places import Places
from edge.swap.standing import Record, Standing
from edge.swap.swapper import Swapper

DEMO = Path(__file__).parents[2] / "edge" / "demo"


def device(folder: Path, *staged: str) -> Path:
    """The demo's edge.toml on any free port, beside models of these names; its path."""
    changes = {
        "source": f'source = "{DEMO / "pile.mp4"}"',
        "port": "port = 0",
        "path": 'path = "journal.sqlite"',
    }
    text = (DEMO / "edge.toml").read_text(encoding="utf-8")
    lines = [changes.get(line.partition(" ")[0], line) for line in text.splitlines()]
    path = folder / "edge.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    for name in staged:
        stage(folder, name)
    return path


def stage(folder: Path, name: str) -> Path:
    """A model like the shipped one under a name of its own."""
    bundle = copy_bundle(folder / "models" / name)
    edit_manifest(bundle, lambda values: values.update(name=name))
    return bundle


def damage(bundle: Path) -> None:
    """Turn around one bit of the classifier, as a bad disk does."""
    path = bundle / "classifier.int8.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def swapper_of(config: Path) -> Swapper:
    return Swapper(places_of(config), clock=lambda: 1000.0)


def places_of(config: Path) -> Places:
    return Places.of(read_config(config))


def record_of(config: Path) -> Record:
    places = places_of(config)
    return Record(places.record, places.names)


def standing_of(config: Path) -> Standing:
    return record_of(config).read()


def raw(config: Path) -> dict[str, object]:
    """What stands in the record's file."""
    found: dict[str, object] = json.loads(places_of(config).record.read_text(encoding="utf-8"))
    return found

"""Where the models of a device are, by its settings."""

from pathlib import Path

from edge.config import SHIPPED_BUNDLE, Config
from edge.errors import TuningConflict
from edge.swap.places import Places
from edge.swap.starting import live_folder


def places_of(config: Config) -> Places:
    """The places of a device.

    The shipped model has no path among them: it lies elsewhere once the program is installed anew.
    """
    journal = config.journal.path
    shipped = config.bundle == SHIPPED_BUNDLE
    return Places(
        config=config.path,
        configured=config.bundle,
        staged=config.staged,
        record=journal.with_name(f"{journal.name}.live-model.json"),
        names="" if shipped else str(config.bundle.resolve()),
    )


def refuse_pending(places: Places, running: Path) -> None:
    """Refuse to change settings that would be read with a model they are not checked against.

    Args:
        places: Of the device.
        running: Folder of the model that runs.

    Raises:
        TuningConflict: Another one runs from the next start on.
    """
    if live_folder(places) != running:
        raise TuningConflict(
            "another model was made live and runs from the next start on; start the device anew"
            " first, then change its settings"
        )

"""Where the models of a device are, by its settings."""

from edge.config import SHIPPED_BUNDLE, Config
from edge.swap.places import Places


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

"""What a text of edge.toml would make of the device, read as at its start."""

from pathlib import Path

from edge.bundle import Bundle, with_thresholds
from edge.config import Config, check_against_bundle, read_config
from edge.errors import ConfigError
from edge.tuning.settings import Checked


def check_text(path: Path, bundle: Bundle, text: str) -> Checked:
    """Read a text as if it were the file.

    Args:
        path: Of the file, to name lines of, and for the paths in it.
        bundle: The model.
        text: What would be in it.

    Raises:
        ConfigError: One line for each problem: line, key, found, allowed.
    """
    try:
        config = read_config(path, text)
        check_against_bundle(config, bundle, text)
    except ConfigError as error:
        # The page is no place for the folders of this device.
        raise ConfigError(str(error).replace(str(path), path.name)) from error
    return checked(config, bundle)


def checked(config: Config, bundle: Bundle) -> Checked:
    """What settings make of the device.

    Args:
        config: They fit the bundle.
        bundle: With its own thresholds.
    """
    in_force = with_thresholds(bundle, config.thresholds)
    shares = zip(in_force.labels, in_force.thresholds, strict=True)
    return Checked(
        config.policy, {label.id: float(share) for label, share in shares}, config.region
    )

"""The one check of a setting's range."""

from edge.errors import ConfigError


def check_range(key: str, value: float, low: float, high: float) -> None:
    """Refuse a value out of range.

    Args:
        key: What a person calls it, for example "items.n".
        value: What was found.
        low, high: What is allowed, both included.

    Raises:
        ConfigError: Names the key, what was found and what is allowed.
    """
    if not low <= value <= high:
        raise ConfigError(f"{key}: found {value!r}, expected {low}..{high}")

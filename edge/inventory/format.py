"""In what form an inventory is written."""

from enum import StrEnum


class Format(StrEnum):
    """In what form an inventory is written."""

    CSV = "csv"
    BRICKLINK = "bricklink"
    REBRICKABLE = "rebrickable"
    BSX = "bsx"

    @property
    def suffix(self) -> str:
        """Of a file's name."""
        return {Format.BRICKLINK: ".xml", Format.BSX: ".bsx"}.get(self, ".csv")

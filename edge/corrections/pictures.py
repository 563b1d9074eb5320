"""The pictures that corrections speak of: copies, which stay when the journal's own make room."""

import hashlib
import os
import re
from pathlib import Path
from uuid import uuid4

from edge.corrections.database import translated

_SHA256 = re.compile("[0-9a-f]{64}")


class CorrectedPictures:
    """Keeps pictures under their SHA-256, so that each is there once and none is overwritten.

    Args:
        folder: Where they are; made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, sha256: str) -> Path:
        """Where a picture is: FOLDER/ab/abcd....jpg."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"found {sha256[:80]!r}; expected the SHA-256 of a picture in hex")
        return self.folder / sha256[:2] / f"{sha256}.jpg"

    def read(self, sha256: str) -> bytes | None:
        """A picture; None where it is gone or is not what it was.

        Raises:
            CorrectionsError: It cannot be read.
        """
        path = self.path_of(sha256)
        with translated(path):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def keep(self, sha256: str, content: bytes) -> bool:
        """Keep a picture, on the disk when this returns; whether it was not there before.

        Raises:
            CorrectionsFull: The disk has no room; nothing is left of it.
            CorrectionsError: It cannot be written.
        """
        path = self.path_of(sha256)
        part = path.with_name(f".{uuid4().hex}.part")
        with translated(path):
            if path.exists() and self.read(sha256) is not None:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with part.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return True

    def forget(self, sha256: str) -> None:
        """Remove a picture that no correction speaks of."""
        with translated(self.folder):
            self.path_of(sha256).unlink(missing_ok=True)

"""The shipped bundle, read once; copies of it to damage."""

import os
from pathlib import Path

import pytest
from bundle_copies import copy_bundle

from edge.bundle import Bundle, read_bundle
from edge.config import SHIPPED_BUNDLE


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    return read_bundle(SHIPPED_BUNDLE)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A bundle like the shipped one, whose files may be replaced."""
    return copy_bundle(tmp_path / "bundle")


@pytest.fixture
def unlistable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may not be listed; also for root, whom no permission stops."""
    folder = tmp_path / "locked"
    folder.mkdir()
    scandir = os.scandir

    def scan(path: str) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    return folder

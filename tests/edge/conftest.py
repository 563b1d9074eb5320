"""The shipped bundle, read once; copies of it to damage."""

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

"""Where a device's models are, and the record of the live one."""

import re
from dataclasses import dataclass
from pathlib import Path

from edge.errors import SwapUnknown

CONFIGURED = "@configured"
"""The id of the model that edge.toml names, or that is shipped; no folder can be called so."""
STAGED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_STAGED = 50


@dataclass(frozen=True, slots=True)
class Places:
    """Where the models of a device are.

    Attributes:
        config: Its edge.toml.
        configured: Folder of the model that edge.toml names, or that is shipped.
        staged: Folder whose sub-folders may be made live; it need not exist.
        record: Which model is live.
        names: What the configured model is known by; "" is the shipped one, wherever it lies.
    """

    config: Path
    configured: Path
    staged: Path
    record: Path
    names: str = ""

    def staged_ids(self) -> tuple[str, ...]:
        """Ids of the folders that may be made live, as far as their names go."""
        try:
            found = [path for path in self.staged.iterdir() if STAGED_ID.fullmatch(path.name)]
        except OSError:
            return ()
        # What a link points to may be anywhere, and be another thing tomorrow.
        return tuple(sorted(p.name for p in found if p.is_dir() and not p.is_symlink()))[
            :MAX_STAGED
        ]

    def folder(self, model_id: str) -> Path:
        """Folder of a model by its id, whether it is there or not.

        Raises:
            SwapUnknown: No folder can have that id.
        """
        if model_id == CONFIGURED:
            return self.configured
        if not STAGED_ID.fullmatch(model_id):
            raise SwapUnknown(f"no model {model_id[:40]!r}; {self.allowed()}")
        return self.staged / model_id

    def allowed(self) -> str:
        """What may be made live, for a message."""
        there = ", ".join((CONFIGURED, *self.staged_ids()))
        return f"there are {there}. Copy a bundle into {self.staged.name}/ beside the settings"

    def shown(self, text: object) -> str:
        """A message without the folders of this machine, for the page."""
        said = str(text)
        # The staged ones first: they may lie within another.
        for folder in (
            self.staged,
            self.configured.parent,
            self.record.parent,
            self.config.absolute().parent,
        ):
            said = said.replace(f"{folder}/", "")
        return said

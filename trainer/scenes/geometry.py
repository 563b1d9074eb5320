"""Where the shapes of parts come from: the LDraw library, or computed."""

import os
from pathlib import Path
from typing import Self

from trainer.scenes.ldraw import LDrawLibrary
from trainer.scenes.mesh import Mesh
from trainer.scenes.parametric import parametric_ids, parametric_mesh
from trainer.scenes.parts import Part, find, parts

VARIABLE = "LDRAWDIR"
"""Names the folder of the LDraw library, as for other programs that use it."""


class Geometry:
    """Shapes by part id; each is made once.

    Args:
        ldraw: Folder of an LDraw library; None computes what can be computed.

    Raises:
        GeometryError: The folder is not an LDraw library.
    """

    def __init__(self, ldraw: Path | None) -> None:
        self._library = None if ldraw is None else LDrawLibrary(ldraw)
        self._coarse = None if ldraw is None else LDrawLibrary(ldraw, curves=False)
        self._meshes: dict[tuple[str, bool], Mesh] = {}

    @classmethod
    def from_environment(cls) -> Self:
        """From the library LDRAWDIR names, computed where it is not set."""
        named = os.environ.get(VARIABLE, "").strip()
        return cls(Path(named).expanduser() if named else None)

    def ids(self) -> tuple[str, ...]:
        """The part ids it has a shape for, in the order of the parts table."""
        if self._library is None:
            return parametric_ids()
        return tuple(part.id for part in parts().values() if self._files(part))

    def mesh(self, part_id: str, curves: bool = True) -> Mesh:
        """The shape of a part.

        Args:
            part_id: Its id or an alias.
            curves: Whether what is round in the LDraw library is computed with many sides; else it
                has the library's 16. Computed shapes are the same either way.

        Raises:
            PartError: No known part goes by this id.
            GeometryError: Its shape cannot be had.
        """
        part = find(part_id)
        key = part.id, curves
        if key not in self._meshes:
            self._meshes[key] = self._made(part, curves)
        return self._meshes[key]

    def _made(self, part: Part, curves: bool) -> Mesh:
        library = self._library if curves else self._coarse
        if library is None:
            return parametric_mesh(part.id)
        # Without a file under any of its ids, the library's own error says what to do.
        return library.mesh((*self._files(part), part.id)[0])

    def _files(self, part: Part) -> list[str]:
        """Its ids that the library has a file for, its own first."""
        if self._library is None:
            return []
        return [name for name in (part.id, *part.aliases) if name in self._library]

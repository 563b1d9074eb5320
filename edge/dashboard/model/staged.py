"""The models that may be made live, as the page shows them."""

from dataclasses import dataclass

from edge.bundle import Bundle
from edge.dashboard.values import printable
from edge.errors import SwapError
from edge.swap.candidates import Candidate
from edge.swap.places import CONFIGURED
from edge.swap.standing import Standing
from edge.swap.swapper import Swapper


@dataclass(frozen=True, slots=True)
class Staged:
    """A model that may be made live.

    Attributes:
        id: By which it is asked for.
        name: For a person.
        where: Its folder.
        made: When, and its mean average precision, as far as known.
        says: How it differs from the model that runs.
        state: "runs", "chosen" (and taken at the next start), "before" or "".
        problem: Why it would be refused.
    """

    id: str
    name: str
    where: str
    made: str
    says: tuple[str, ...]
    state: str
    problem: str | None

    @property
    def can_be_taken(self) -> bool:
        """Whether a swap to it makes sense."""
        return self.problem is None and self.state != "runs"


def standing_of(swapper: Swapper) -> tuple[Standing, str]:
    """What is recorded, and what people have to know of it."""
    try:
        standing = swapper.standing()
    except SwapError as error:
        return Standing(), swapper.places.shown(error)
    return standing, standing.notice


def staged_models(
    swapper: Swapper, running_id: str, running: Bundle, standing: Standing
) -> tuple[Staged, ...]:
    """All of them, the configured one first."""
    found = swapper.candidates(running.manifest)
    return tuple(_shown(one, running_id, running.manifest.seal, standing) for one in found)


def _shown(one: Candidate, running_id: str, seal: str, standing: Standing) -> Staged:
    manifest, precision = one.manifest, one.mean_average_precision
    parts = [] if manifest is None else [f"made {manifest.created_at[:10]}"]
    if precision is not None:
        parts.append(f"mAP {precision:.3f}")
    if manifest is not None:
        parts.append(f"{len(manifest.labels)} labels")
    runs = one.id == running_id and (manifest is None or manifest.seal == seal)
    return Staged(
        id=one.id,
        name=printable(manifest.name if manifest else one.id) or "",
        where="of the settings" if one.id == CONFIGURED else f"folder {one.id}",
        made=printable(", ".join(parts)) or "",
        says=() if runs else tuple(printable(line) or "" for line in one.differences),
        state=_state(one.id, runs, standing),
        problem=printable(one.problem),
    )


def _state(model_id: str, runs: bool, standing: Standing) -> str:
    if runs:
        return "runs"
    if model_id == standing.live.id:
        return "chosen"
    before = standing.previous
    return "before" if before is not None and before.id == model_id else ""

"""A page of the list."""

from edge.dashboard.items.asked import Asked
from edge.dashboard.items.rows import row_of
from edge.dashboard.items.store import Items
from edge.dashboard.values import Json


def rows_of(items: Items, wanted: Asked) -> Json:
    """The items that a query asks for, with what people said of them.

    Args:
        items: The items.
        wanted: Of the query.

    Raises:
        JournalError: The journal cannot be read.
        CorrectionsError: The corrections cannot be read.
    """
    with items.search() as journal:
        page = journal.page(
            wanted.filters_with(items.corrections),
            limit=wanted.limit,
            before=wanted.before,
            after=wanted.after,
        )
        models = journal.models
    said = items.corrections.of({one.entry.item_id: one.picture_sha256 for one in page.items})
    known = {sha256: items.names(model.labels) for sha256, model in models.items()}
    return {
        "items": [
            row_of(
                one,
                known.get(one.model_sha256) or items.names(),
                said.get(one.entry.item_id),
            )
            for one in page.items
        ],
        "newer": page.newer,
        "older": page.older,
    }

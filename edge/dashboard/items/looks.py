"""The routes of pictures of items."""

import hashlib
from collections.abc import Callable

from flask import Response, request

from edge.dashboard.access import Role, needs
from edge.dashboard.guard import problem
from edge.dashboard.items.pictures import Drawable, ItemMaps, State, draw_gradcam, draw_lime_map
from edge.dashboard.items.store import Items, no_item
from edge.kept_frames import GRADCAM, LIME


class LookViews:
    """Pictures of items, and maps on them; each has an ETag and is sent once.

    Args:
        items: The items.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    @needs(Role.VIEWER)
    def picture(self, item_id: int) -> Response:
        """GET /items/<id>/picture.jpg: as it was kept."""
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        seen = self._items.pictures.picture(item_id, item.picture_sha256)
        if seen.state is not State.THERE:
            return problem(404, seen.state.sentence)
        return _jpeg(f"{item.picture_sha256}", lambda: seen.content)

    @needs(Role.VIEWER)
    def thumb(self, item_id: int) -> Response:
        """GET /items/<id>/thumb.jpg: the same, small."""
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        made = self._items.pictures.thumb(item_id, item.picture_sha256)
        if made is None:
            seen = self._items.pictures.picture(item_id, item.picture_sha256)
            return problem(404, seen.state.sentence or "the picture is damaged")
        return _jpeg(f"{item.picture_sha256}-thumb", lambda: made)

    @needs(Role.VIEWER)
    def gradcam(self, item_id: int, label_index: int) -> Response:
        """GET /items/<id>/cam/<label_index>.jpg: a Grad-CAM on the picture."""
        return self._map(item_id, label_index, GRADCAM, lambda maps: maps.gradcam, draw_gradcam)

    @needs(Role.VIEWER)
    def lime(self, item_id: int, label_index: int) -> Response:
        """GET /items/<id>/lime/<label_index>.jpg: LIME on the picture."""
        return self._map(item_id, label_index, LIME, lambda maps: maps.lime, draw_lime_map)

    def _map(
        self,
        item_id: int,
        label_index: int,
        suffix: str,
        chosen: Callable[[ItemMaps], Drawable | None],
        draw: Callable[[Drawable, int], bytes | None],
    ) -> Response:
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        pictures, sha256 = self._items.pictures, item.picture_sha256
        seen, stamp = pictures.picture(item_id, sha256), pictures.stamp(item_id, suffix)
        labels = item.model.labels if item.model is not None else ()

        def drawn() -> bytes | None:
            if seen.state is not State.THERE or sha256 is None or stamp is None:
                return None
            found = chosen(pictures.maps(item_id, sha256, seen.content, labels))
            return draw(found, label_index) if found is not None else None

        return _jpeg(f"{sha256}{suffix}{stamp}-{label_index}", drawn)


def _jpeg(version: str, make: Callable[[], bytes | None]) -> Response:
    """A picture with a strong ETag; nothing is drawn for who has it already."""
    etag = hashlib.sha256(version.encode()).hexdigest()[:32]
    answer = Response(mimetype="image/jpeg")
    answer.set_etag(etag)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.make_conditional(request)
    if answer.status_code != 304:
        content = make()
        if content is None:
            return problem(404, "no such map was kept of this item")
        answer.set_data(content)
    return answer

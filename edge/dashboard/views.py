"""The routes that answer with the page and its pictures."""

import re
from collections.abc import Callable

from flask import Response, render_template, request

from edge.board import Board
from edge.dashboard.guard import problem
from edge.dashboard.pictures import ExplainedPictures, FrameEncoder, colour_bar
from edge.dashboard.state import age_ms

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class PictureViews:
    """The page and its pictures.

    Args:
        board: What to show.
        explained: Knows the last explanations.
        clock: As `time.monotonic`.
    """

    def __init__(
        self, board: Board, explained: ExplainedPictures, clock: Callable[[], float]
    ) -> None:
        self._board = board
        self._explained = explained
        self._clock = clock
        self._encoder = FrameEncoder()
        self._bar = colour_bar()

    def page(self) -> str:
        """GET /"""
        about = self._board.current().about
        labels = sorted(about.labels, key=lambda label: (label.name.casefold(), label.id))
        return render_template("index.html", about=about, labels=labels)

    def frame(self) -> Response:
        """GET /frame.jpg?after=<sequence>: the newest frame, or 204 where it is not newer."""
        after = request.args.get("after", "-1")
        if not _WHOLE.fullmatch(after):
            return problem(400, f"after={after[:40]!r}: expected the sequence number of a frame")
        prediction = self._board.current().prediction
        if prediction is None:
            return Response(status=204)
        frame = prediction.frame
        newer = frame.sequence > int(after)
        answer = _jpeg(self._encoder.jpeg(frame)) if newer else Response(status=204)
        answer.headers["X-Frame-Sequence"] = str(frame.sequence)
        answer.headers["X-Frame-Age-Ms"] = str(age_ms(frame.captured_at_s, self._clock()))
        return answer

    def explanation(self, sequence: int, label_index: int) -> Response:
        """GET /explanation/<sequence>/<label_index>.jpg: a map on its own picture."""
        self._explained.note(self._board.current().explanation)
        return _jpeg_or_404(self._explained.drawn(sequence, label_index), sequence)

    def plain(self, sequence: int) -> Response:
        """GET /explained/<sequence>.jpg: the same picture without the map."""
        self._explained.note(self._board.current().explanation)
        return _jpeg_or_404(self._explained.plain(sequence), sequence)

    def bar(self) -> Response:
        """GET /colour-bar.png"""
        answer = Response(self._bar, mimetype="image/png")
        answer.headers["Cache-Control"] = "max-age=3600"
        return answer


def _jpeg(data: bytes) -> Response:
    return Response(data, mimetype="image/jpeg")


def _jpeg_or_404(data: bytes | None, sequence: int) -> Response:
    if data is None:
        return problem(
            404, f"frame {sequence} has no such explanation any more; /api/state names the newest"
        )
    return _jpeg(data)

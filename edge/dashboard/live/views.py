"""The routes that answer with the page and its pictures."""

import re
from collections.abc import Callable

from flask import Response, render_template, request

from edge.dashboard.access import Role, needs
from edge.dashboard.guard import problem
from edge.dashboard.live.drawing import drawing_of
from edge.dashboard.live.pictures import FrameEncoder, colour_bar
from edge.dashboard.live.shown import Shown
from edge.dashboard.values import age_ms
from edge.explain.colours import Style

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_BARS: tuple[Style, ...] = ("spotlight", "inferno", "signed")


class PictureViews:
    """The page and its pictures.

    Args:
        shown: What to show.
        clock: As `time.monotonic`.
    """

    def __init__(self, shown: Shown, clock: Callable[[], float]) -> None:
        self._shown = shown
        self._clock = clock
        self._encoder = FrameEncoder()
        self._bars = {style: colour_bar(style) for style in _BARS}

    @needs(Role.VIEWER)
    def page(self) -> str:
        """GET /"""
        about = self._shown.board.current().about
        labels = sorted(about.labels, key=lambda label: (label.name.casefold(), label.id))
        return render_template("live.html", about=about, labels=labels)

    @needs(Role.VIEWER)
    def frame(self) -> Response:
        """GET /frame.jpg?after=<sequence>: the newest frame, or 204 where it is not newer."""
        after = request.args.get("after", "-1")
        if not _WHOLE.fullmatch(after):
            return problem(400, f"after={after[:40]!r}: expected the sequence number of a frame")
        prediction = self._shown.board.current().prediction
        if prediction is None:
            return Response(status=204)
        frame = prediction.frame
        newer = frame.sequence > int(after)
        answer = _jpeg(self._encoder.jpeg(frame)) if newer else Response(status=204)
        answer.headers["X-Frame-Sequence"] = str(frame.sequence)
        answer.headers["X-Frame-Age-Ms"] = str(age_ms(frame.captured_at_s, self._clock()))
        return answer

    @needs(Role.VIEWER)
    def explanation(self, sequence: int, label_index: int) -> Response:
        """GET /explanation/<sequence>/<label_index>.jpg?look=<look>&scale=<scale>: a map on its
        own picture; see `drawing_of`."""
        try:
            drawing = drawing_of(request.args)
        except ValueError as error:
            return problem(400, str(error))
        self._shown.look()
        drawn = self._shown.explained.drawn(sequence, label_index, drawing)
        return _jpeg_or_404(drawn, f"frame {sequence}")

    @needs(Role.VIEWER)
    def plain(self, sequence: int) -> Response:
        """GET /explained/<sequence>.jpg: the same picture without the map."""
        self._shown.look()
        return _jpeg_or_404(self._shown.explained.plain(sequence), f"frame {sequence}")

    @needs(Role.VIEWER)
    def lime(self, number: int, label_index: int) -> Response:
        """GET /lime/<number>/<label_index>.jpg?samples=<n>&scale=<scale>: LIME of a label on its
        own picture.

        Interim results are told apart by their samples; without them it is the newest.
        """
        samples = request.args.get("samples")
        if samples is not None and not _WHOLE.fullmatch(samples):
            return problem(
                400, f"samples={samples[:40]!r}: expected how many pictures it is made of"
            )
        try:
            drawing = drawing_of(request.args)
        except ValueError as error:
            return problem(400, str(error))
        self._shown.look()
        wanted = None if samples is None else int(samples)
        drawn = self._shown.limes.drawn(number, label_index, wanted, drawing)
        return _jpeg_or_404(drawn, f"LIME {number}" + (f" of {wanted} samples" if samples else ""))

    @needs(Role.VIEWER)
    def lime_plain(self, number: int) -> Response:
        """GET /lime/<number>.jpg: the same picture without LIME, also before there is any."""
        self._shown.look()
        return _jpeg_or_404(self._shown.limes.plain(number), f"LIME {number}")

    @needs(Role.VIEWER)
    def bar(self) -> Response:
        """GET /colour-bar.png?style=<style>: without a style, that of Grad-CAM."""
        style = request.args.get("style", "spotlight")
        bar = next((self._bars[known] for known in _BARS if known == style), None)
        if bar is None:
            return problem(400, f"style={style[:40]!r}: expected {' or '.join(_BARS)}")
        answer = Response(bar, mimetype="image/png")
        answer.headers["Cache-Control"] = "max-age=3600"
        return answer


def _jpeg(data: bytes) -> Response:
    return Response(data, mimetype="image/jpeg")


def _jpeg_or_404(data: bytes | None, what: str) -> Response:
    if data is None:
        return problem(404, f"{what} has no such picture any more; /api/state names the newest")
    return _jpeg(data)

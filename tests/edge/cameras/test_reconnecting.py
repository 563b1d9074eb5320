"""A source that is missing, goes away and comes back, on a clock of our own."""

from collections.abc import Callable
from threading import Event, Thread

import numpy as np
import pytest
from manual_time import ManualTime

from edge.cameras import Backoff, Camera, CameraHealth, CameraSilent, ReconnectingCamera
from edge.domain import Frame
from edge.errors import CameraEnded, CameraLost, CameraUnavailable, ConfigError


class ScriptedCamera(Camera):
    """Gives so many frames, numbered from 0, and is lost after that."""

    def __init__(self, frames: int, step: int = 1) -> None:
        self._left = frames
        self._step = step
        self._sequence = 0
        self.closed = 0

    @property
    def description(self) -> str:
        return "scripted"

    def next_frame(self, timeout_s: float) -> Frame:
        if self._left == 0:
            raise CameraLost("scripted: unplugged.")
        self._left -= 1
        frame = Frame(self._sequence, 0.0, np.zeros((1, 1, 3), np.uint8))
        self._sequence += self._step
        return frame

    def close(self) -> None:
        self.closed += 1


def missing() -> Camera:
    raise CameraUnavailable("scripted: not there.")


def opening(*steps: Callable[[], Camera]) -> Callable[[], Camera]:
    """Take one step at each opening; the last one again and again."""
    left = list(steps)
    return lambda: (left.pop(0) if len(left) > 1 else left[0])()


def reconnecting(time: ManualTime, *steps: Callable[[], Camera]) -> ReconnectingCamera:
    return ReconnectingCamera(opening(*steps), clock=time.clock, wait=time.wait)


def outcomes(camera: ReconnectingCamera, calls: int) -> list[int | str]:
    """A sequence number for each frame, the error's text for each that did not come."""
    found: list[int | str] = []
    for _ in range(calls):
        try:
            found.append(camera.next_frame(timeout_s=100.0).sequence)
        except CameraLost as error:
            found.append(str(error))
    return found


def test_waits_double_up_to_the_longest() -> None:
    time = ManualTime()
    assert outcomes(reconnecting(time, missing), 9) == ["scripted: not there."] * 9
    assert time.waits_s == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_long_time_without_camera_overflows_nothing() -> None:
    assert Backoff().delay_s(10**6) == 30.0


def test_frame_makes_the_waits_short_again() -> None:
    time = ManualTime()
    source = lambda: ScriptedCamera(frames=1)  # noqa: E731
    camera = reconnecting(time, missing, missing, source, missing)
    unavailable, lost = "scripted: not there.", "scripted: unplugged."
    assert outcomes(camera, 5) == [unavailable, unavailable, 0, lost, unavailable]
    assert time.waits_s == [0.5, 1.0, 0.5]


def test_source_that_opens_but_gives_nothing_is_waited_for_longer() -> None:
    time = ManualTime()
    outcomes(reconnecting(time, lambda: ScriptedCamera(frames=0)), 5)
    assert time.waits_s == [0.5, 1.0, 2.0, 4.0]


def test_sequence_goes_on_and_keeps_its_gaps() -> None:
    camera = reconnecting(
        ManualTime(), lambda: ScriptedCamera(frames=2, step=5), lambda: ScriptedCamera(frames=2)
    )
    lost = "scripted: unplugged."
    assert outcomes(camera, 5) == [0, 5, lost, 6, 7]


def test_health_tells_what_happened() -> None:
    camera = reconnecting(
        ManualTime(), missing, lambda: ScriptedCamera(frames=1), lambda: ScriptedCamera(frames=1)
    )
    seen = [camera.health]
    for _ in range(4):
        outcomes(camera, 1)
        seen.append(camera.health)
    camera.close()
    assert [*seen, camera.health] == [
        CameraHealth("reconnecting", 0, None),
        CameraHealth("reconnecting", 0, "scripted: not there."),
        CameraHealth("live", 0, "scripted: not there."),
        CameraHealth("reconnecting", 0, "scripted: unplugged."),
        CameraHealth("live", 1, "scripted: unplugged."),
        CameraHealth("closed", 1, "scripted: unplugged."),
    ]


def test_short_time_out_is_kept_while_the_source_is_away() -> None:
    time = ManualTime()
    camera = reconnecting(time, missing)
    outcomes(camera, 3)
    del time.waits_s[:]
    with pytest.raises(CameraSilent, match=r"next try is in 1\.4 s\. scripted: not there"):
        camera.next_frame(timeout_s=0.6)
    with pytest.raises(CameraSilent, match=r"next try is in 0\.8 s"):
        camera.next_frame(timeout_s=0.6)
    assert time.waits_s == pytest.approx([0.6, 0.6])


def test_silence_is_no_loss() -> None:
    class Silent(ScriptedCamera):
        def next_frame(self, timeout_s: float) -> Frame:
            raise CameraSilent("scripted: no frame yet.")

    source = Silent(frames=1)
    camera = reconnecting(ManualTime(), lambda: source)
    outcomes(camera, 3)
    assert source.closed == 0
    assert camera.health.reconnects == 0


def test_lost_source_is_closed() -> None:
    source = ScriptedCamera(frames=0)
    camera = reconnecting(ManualTime(), lambda: source, missing)
    outcomes(camera, 2)
    assert source.closed == 1


def test_wrong_configuration_is_not_tried_again() -> None:
    def misspelt() -> Camera:
        raise ConfigError("camera source 'ftp://...': the scheme is not allowed")

    with pytest.raises(ConfigError, match="scheme"):
        reconnecting(ManualTime(), misspelt).next_frame(timeout_s=1.0)


def test_source_that_opens_while_it_is_closed_is_closed_too() -> None:
    source = ScriptedCamera(frames=1)

    def slow() -> Camera:
        camera.close()
        return source

    camera = ReconnectingCamera(slow)
    outcomes(camera, 2)
    with pytest.raises(CameraLost, match="closed"):
        camera.next_frame(timeout_s=1.0)
    assert source.closed > 0
    assert camera.health.state == "closed"


@pytest.mark.timeout(30)
def test_close_ends_the_wait_for_the_next_try() -> None:
    camera = ReconnectingCamera(missing, backoff=Backoff(first_s=1000.0, longest_s=1000.0))
    with pytest.raises(CameraLost):
        camera.next_frame(timeout_s=0.0)
    waiting, raised = Event(), []

    def read() -> None:
        waiting.set()
        try:
            camera.next_frame(timeout_s=1000.0)
        except CameraLost as error:
            raised.append(str(error))

    reader = Thread(target=read)
    reader.start()
    waiting.wait()
    camera.close()
    reader.join()
    assert raised == ["camera: closed."]


class EndingCamera(ScriptedCamera):
    """Gives so many frames and has no more."""

    def next_frame(self, timeout_s: float) -> Frame:
        try:
            return super().next_frame(timeout_s)
        except CameraLost as error:
            raise CameraEnded("scripted: no frame left to show.") from error


def test_a_source_that_has_ended_is_not_opened_again() -> None:
    time = ManualTime()
    ended = EndingCamera(2)
    camera = reconnecting(time, lambda: ended, missing)
    assert [camera.next_frame(1.0).sequence for _ in range(2)] == [0, 1]
    with pytest.raises(CameraEnded, match="no frame left to show"):
        camera.next_frame(1.0)
    assert ended.closed == 1
    time.waits_s.clear()
    for _ in range(3):
        with pytest.raises(CameraSilent, match="it has ended"):
            camera.next_frame(1.0)
    # It waits as it was asked to: nobody spins on what has ended.
    assert time.waits_s == [1.0] * 3
    assert camera.health == CameraHealth("closed", 0, "scripted: no frame left to show.")

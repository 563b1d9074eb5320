"""The Raspberry Pi's camera: the traps of its driver, on a stand-in that has them."""

import sys
from types import ModuleType

import pytest
from camera_streams import bar_colours, number_in
from manual_time import ManualTime
from picamera2_standin import BUFFERS, Picamera2

from edge.cameras import CameraSettings, CameraSilent, open_camera
from edge.cameras.picamera import PiCamera
from edge.errors import CameraLost, CameraUnavailable

SETTINGS = CameraSettings("picamera2", size_px=(96, 64), read_timeout_s=2.0)


class Workbench:
    """Drivers that were opened, in order, and a clock that a test moves."""

    def __init__(self, settings: CameraSettings = SETTINGS) -> None:
        self.time = ManualTime()
        self.drivers: list[Picamera2] = []
        self.sensor_alive = True
        self.camera = PiCamera(settings, self.time.clock, self._open)

    def _open(self) -> Picamera2:
        driver = Picamera2()
        driver.alive = self.sensor_alive
        self.drivers.append(driver)
        return driver

    def die(self) -> None:
        self.sensor_alive = False
        self.drivers[-1].alive = False

    def miss(self, seconds: float) -> CameraLost:
        """Let time pass without a frame; what the camera says to that."""
        self.time.wait(seconds)
        with pytest.raises(CameraLost) as missed:
            self.camera.next_frame(timeout_s=0.5)
        return missed.value


def test_one_fixed_configuration_is_used() -> None:
    bench = Workbench(CameraSettings("picamera2", fps=20.0, size_px=(96, 64)))
    driver = bench.drivers[0]
    assert driver.calls == ["configure", "start"]
    assert driver.config == {
        "main": {"size": (96, 64), "format": "BGR888"},
        "queue": False,
        "controls": {"FrameDurationLimits": (50_000, 50_000)},
    }


def test_frames_are_fresh_and_rgb() -> None:
    """With a queue the driver would give the picture before."""
    bench = Workbench()
    images = [bench.camera.next_frame(timeout_s=1.0).image for _ in range(3)]
    assert [number_in(image) for image in images] == [0, 1, 2]
    assert bar_colours(images[0]) == ["R", "G", "B"]


def test_requests_are_given_back() -> None:
    bench = Workbench()
    for _ in range(3 * BUFFERS):
        bench.camera.next_frame(timeout_s=1.0)
    assert bench.drivers[0].free_buffers == BUFFERS


def test_request_is_given_back_when_it_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Stream 'main' is not defined")

    bench = Workbench()
    monkeypatch.setattr("picamera2_standin.Request.make_array", broken)
    with pytest.raises(CameraLost, match="Stream 'main' is not defined"):
        bench.camera.next_frame(timeout_s=1.0)
    assert bench.drivers[0].free_buffers == BUFFERS


@pytest.mark.parametrize(
    ("timeout_s", "wait_s"), [(0.0, 0.001), (0.5, 0.5), (60.0, SETTINGS.read_timeout_s)]
)
def test_every_wait_is_bounded(timeout_s: float, wait_s: float) -> None:
    bench = Workbench()
    bench.camera.next_frame(timeout_s)
    assert bench.drivers[0].waits == [wait_s]


def test_time_out_leaves_no_job_behind() -> None:
    bench = Workbench()
    bench.drivers[0].alive = False
    assert isinstance(bench.miss(0.1), CameraSilent)
    bench.drivers[0].alive = True
    assert number_in(bench.camera.next_frame(timeout_s=0.5).image) == 0


def test_silence_is_asked_again_then_opened_again_then_lost() -> None:
    bench = Workbench()
    bench.die()
    silent = [bench.miss(1.0), bench.miss(1.0), bench.miss(2.0)]
    assert all(isinstance(error, CameraSilent) for error in silent)
    assert [
        str(error).split(": ")[1].removeprefix("no frame; ").rstrip(".") for error in silent
    ] == ["no frame yet", "asking again", "opened again"]
    lost = bench.miss(2.0)
    assert not isinstance(lost, CameraSilent)
    assert "ribbon cable" in str(lost)
    assert len(bench.drivers) == 2
    assert bench.drivers[0].calls[-1] == "close"


def test_camera_that_works_after_it_was_opened_again() -> None:
    bench = Workbench()
    before = bench.camera.next_frame(timeout_s=1.0)
    bench.drivers[0].alive = False
    bench.miss(2.0)
    bench.miss(2.0)
    after = bench.camera.next_frame(timeout_s=1.0)
    assert after.sequence == before.sequence + 1
    assert len(bench.drivers) == 2


def test_camera_that_cannot_be_opened_again_is_lost() -> None:
    bench = Workbench()
    bench.die()
    bench.miss(2.0)

    def gone() -> Picamera2:
        raise IndexError("list index out of range")

    bench.camera._open_driver = gone
    assert "rpicam-hello" in str(bench.miss(2.0))


def test_missing_package_is_no_matter_of_the_cable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraUnavailable) as refused:
        PiCamera(SETTINGS)
    assert "needs picamera2" in str(refused.value)
    assert "cable" not in str(refused.value)
    assert ".." not in str(refused.value)


def test_sentence_of_the_driver_is_ended_once() -> None:
    def gone() -> Picamera2:
        raise RuntimeError("Camera __init__ sequence did not complete.")

    with pytest.raises(CameraUnavailable, match=r"did not complete\. Check the ribbon cable"):
        PiCamera(SETTINGS, open_driver=gone)


def test_close_closes_the_driver_once() -> None:
    bench = Workbench()
    bench.camera.close()
    bench.camera.close()
    assert bench.drivers[0].calls.count("close") == 1


def test_driver_that_does_not_start_is_closed() -> None:
    opened: list[Picamera2] = []

    def odd_size() -> Picamera2:
        opened.append(Picamera2())
        return opened[0]

    with pytest.raises(CameraUnavailable, match="width and height should be even"):
        PiCamera(CameraSettings("picamera2", size_px=(97, 64)), open_driver=odd_size)
    assert opened[0].calls[-1] == "close"


def test_installed_driver_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("picamera2")
    module.Picamera2 = Picamera2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    with open_camera(SETTINGS) as camera:
        assert camera.next_frame(timeout_s=1.0).sequence == 0
        assert camera.description == "Raspberry Pi camera, 96 x 64"


def test_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraUnavailable, match="apt install python3-picamera2"):
        open_camera(SETTINGS)

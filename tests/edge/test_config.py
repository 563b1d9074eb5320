"""edge.toml: what is wrong is named by line and key, and what is right is what it says."""

from pathlib import Path

import pytest

from edge.bundle import Bundle, with_thresholds
from edge.config import SHIPPED_BUNDLE, check_against_bundle, read_config
from edge.decision import Mode, Route
from edge.domain import Label
from edge.errors import ConfigError
from edge.items import Trigger
from edge.look_at import LookAt
from edge.region import Region
from sorter_firmware_bridge.bins import Bin

ROOT = Path(__file__).parents[2]
CAMERA = '[camera]\nsource = "pile.mp4"\n'
BINS = """
[[bin]]
number = 1
name = "bricks"
labels = ["3001"]

[[bin]]
number = 2
name = "rest"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "edge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read_config(written(folder, text))
    assert str(folder / "edge.toml") in str(refused.value)
    return str(refused.value)


def mismatch(folder: Path, text: str, bundle: Bundle) -> str:
    """What is said once the labels of the model are known."""
    config = read_config(written(folder, text))
    with pytest.raises(ConfigError) as refused:
        check_against_bundle(config, bundle)
    assert str(folder / "edge.toml") in str(refused.value)
    return str(refused.value)


# --- what is right ---


def test_the_least_that_is_needed_is_a_camera(tmp_path: Path, shipped: Bundle) -> None:
    config = read_config(written(tmp_path, CAMERA))
    assert config.bundle == SHIPPED_BUNDLE
    assert config.camera.source == str(tmp_path / "pile.mp4")
    assert config.policy.mode is Mode.WATCH
    assert config.policy.bins == ()
    assert config.items.trigger is Trigger.STILL
    assert config.dashboard.host == "127.0.0.1"
    assert config.journal.path == tmp_path / "journal.sqlite"
    assert not config.machine.arm_at_start
    check_against_bundle(config, shipped)


def test_every_section_is_read(tmp_path: Path, shipped: Bundle) -> None:
    text = """
[bundle]
path = "models/mine"
[camera]
source = "https://user:pw@host/stream"
fps = 5
size_px = [640, 480]
[machine]
driver = "simulated"
arm_at_start = true
settings = { queue_depth = 3 }
[sorting]
mode = "single"
unknown_bin = "rest"
travel_s = 1.5
[items]
trigger = "sensor"
k = 2
n = 3
[dashboard]
host = "::1"
port = 0
[journal]
path = "/var/lib/j.sqlite"
max_rows = 500
[runtime]
threads = 2
"""
    config = read_config(written(tmp_path, text + BINS))
    assert config.bundle == tmp_path / "models" / "mine"
    assert config.camera.source == "https://user:pw@host/stream"
    assert (config.camera.fps, config.camera.size_px) == (5, (640, 480))
    assert config.machine.settings == {"queue_depth": 3}
    assert config.policy.bins == (Bin(1, "bricks"), Bin(2, "rest"))
    assert config.policy.routes == (Route("3001", "bricks"),)
    assert config.policy.travel_s == 1.5
    assert (config.items.trigger, config.items.k, config.items.n) == (Trigger.SENSOR, 2, 3)
    assert (config.journal.path, config.journal.max_rows) == (Path("/var/lib/j.sqlite"), 500)
    assert config.threads == 2
    check_against_bundle(config, shipped)


@pytest.mark.parametrize("name", ["deploy/edge.toml", "edge/demo/edge.toml"])
def test_the_files_in_the_repository_are_right(name: str, shipped: Bundle) -> None:
    check_against_bundle(read_config(ROOT / name), shipped)


def test_the_demo_gives_every_label_a_bin(shipped: Bundle) -> None:
    config = read_config(ROOT / "edge/demo/edge.toml")
    assert all(config.policy.route_of(label.id) for label in shipped.labels)
    assert Path(config.camera.source).is_file()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("piles", "{home}/piles"),
        ("../piles/*.jpg", "{home}/../piles/*.jpg"),
        ("/data/pile.mp4", "/data/pile.mp4"),
        ("rtsp://host/live", "rtsp://host/live"),
        ("/dev/v4l/by-id/usb-x", "/dev/v4l/by-id/usb-x"),
        ("picamera2", "picamera2"),
        ("gstreamer:nvarguscamerasrc ! appsink", "gstreamer:nvarguscamerasrc ! appsink"),
    ],
)
def test_relative_paths_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: str
) -> None:
    written(tmp_path, f'[camera]\nsource = "{source}"\n')
    monkeypatch.chdir(tmp_path.parent)
    config = read_config(Path(tmp_path.name) / "edge.toml")
    assert config.camera.source == expected.format(home=tmp_path.resolve())
    assert config.journal.path == tmp_path.resolve() / "journal.sqlite"


# --- keys and values ---


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (CAMERA + "fsp = 3\n", 3, "camera.fsp: unknown key; allowed here: focus, fps, loop, "),
        (CAMERA + "[bins]\n", 3, "bins: unknown key; allowed here: belt, bin, bundle, "),
        (CAMERA + "[[bin]]\nnumber = 1\nnam = 'x'\n", 5, "bin.0.nam: unknown key; allowed here: "),
        (CAMERA + "fps = '3'\n", 3, "camera.fps: found '3'; input should be a valid number"),
        (CAMERA + "loop = 1\n", 3, "camera.loop: found 1; input should be a valid boolean"),
        (CAMERA + "size_px = [640]\n", 3, "camera.size_px.1: missing"),
        (CAMERA + "size_px = [640, 0]\n", 3, "camera.size_px.1: found 0; input should be greater"),
        (CAMERA + "fps = 0\n", 3, "camera.fps: found 0; input should be greater than 0"),
        (CAMERA + "[sorting]\nmargin = nan\n", 4, "sorting.margin: found nan; "),
        (CAMERA + "[sorting]\nmode = 'Single'\n", 4, "sorting.mode: found 'Single'; input should "),
        (CAMERA + "[items]\nk = 2\n", 4, "items.k (more than half of n): found 2, expected 3..5"),
        (CAMERA + "[items]\npatience_frames = 2\n", 4, "items.patience_frames: found 2, expected "),
        (CAMERA + "[journal]\nmax_rows = 3\n", 4, "journal.max_rows: found 3; input should be "),
        (CAMERA + "[dashboard]\nport = 70000\n", 4, "dashboard.port: found 70000; input should "),
        (CAMERA + "[runtime]\nthreads = 0\n", 4, "runtime.threads: found 0; input should be "),
        ("[camera]\nsource = ''\n", 2, "camera.source: found ''; string should have at least 1"),
        ("[camera]\nfps = 1\n", 1, "camera.source: missing; add it"),
        (CAMERA + "[[bin]]\nnumber = 256\nname = 'x'\n", 4, "bin.0.number: found 256; "),
        (CAMERA + "[[bin]]\nnumber = 1\nname = '  '\n", 3, "expected 1..40 printable characters"),
        (CAMERA + '[[bin]]\nnumber = 1\nname = "\\u0007"\n', 3, "1..40 printable characters"),
    ],
)
def test_a_wrong_setting_is_named_by_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    message = refusal(tmp_path, text)
    assert f"edge.toml, line {line}: " in message
    assert said in message


def test_a_file_without_a_camera_is_refused(tmp_path: Path) -> None:
    assert "camera: missing; add it" in refusal(tmp_path, BINS)


@pytest.mark.parametrize("source", ["/dev/video0", "/dev/video", "0"])
def test_a_camera_by_its_number_is_refused(tmp_path: Path, source: str) -> None:
    message = refusal(tmp_path, f'[camera]\n\nsource = "{source}"\n')
    assert "edge.toml, line 3: camera.source: " in message
    assert "/dev/v4l/by-id/" in message


def test_an_address_is_refused_without_its_password(tmp_path: Path) -> None:
    message = refusal(tmp_path, '[camera]\nsource = "ftp://me:secret@host/x"\n')
    assert "edge.toml, line 2: camera.source: " in message
    assert "'ftp' is not allowed" in message
    assert "secret" not in message


def test_a_byte_order_mark_moves_no_line(tmp_path: Path, shipped: Bundle) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('[sorting]\nwatch_for = ["nonsense"]\n' + CAMERA, encoding="utf-8-sig")
    with pytest.raises(ConfigError, match=r"line 2: .*nonsense"):
        check_against_bundle(read_config(path), shipped)


@pytest.mark.parametrize("driver", ["simulatd", "", "modbus tcp"])
def test_an_unknown_driver_is_refused(tmp_path: Path, driver: str) -> None:
    message = refusal(tmp_path, CAMERA + f'[machine]\ndriver = "{driver}"\n')
    assert f"line 4: machine.driver: found {driver!r}; allowed: " in message
    assert "simulated, none" in message


def test_only_the_simulated_machine_arms_itself(tmp_path: Path) -> None:
    message = refusal(tmp_path, CAMERA + '[machine]\narm_at_start = true\ndriver = "none"\n')
    assert "line 4: machine.arm_at_start: found true with driver 'none'" in message


def test_a_veto_that_could_never_be_is_refused(tmp_path: Path) -> None:
    veto = CAMERA + "[sorting]\nveto = true\n"
    message = refusal(tmp_path, veto)
    assert "line 4: sorting.veto: found true without [items] empty_at_start" in message
    assert read_config(written(tmp_path, veto + "[items]\nempty_at_start = true\n"))


@pytest.mark.parametrize("host", ["localhost", "sorter.local", "300.1.1.1", ""])
def test_the_page_listens_on_an_address(tmp_path: Path, host: str) -> None:
    message = refusal(tmp_path, CAMERA + f'[dashboard]\nhost = "{host}"\n')
    assert f"line 4: dashboard.host: found {host!r}; allowed: an address of this device" in message


@pytest.mark.parametrize(
    ("line", "missing"), [('certificate = "a.pem"', "key"), ('key = "a.pem"', "certificate")]
)
def test_tls_needs_both_files(tmp_path: Path, line: str, missing: str) -> None:
    message = refusal(tmp_path, CAMERA + f"[dashboard]\n{line}\n")
    assert f"dashboard.{missing}: found none; TLS needs `certificate` and `key`" in message


@pytest.mark.parametrize("name", ["", "a b", "http://a", "a/b", "a:80"])
def test_a_name_of_the_device_is_a_host_name(tmp_path: Path, name: str) -> None:
    assert "dashboard.names" in refusal(tmp_path, CAMERA + f'[dashboard]\nnames = ["{name}"]\n')


# --- bins and labels ---


def test_a_bin_number_used_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refusal(tmp_path, CAMERA + BINS.replace("number = 2", "number = 1"))
    assert "line 10: bin.1.number: found 1, used before in line 5; give each bin its own" in message


def test_a_bin_name_used_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refusal(tmp_path, CAMERA + BINS.replace('"rest"', '"bricks"'))
    assert "line 11: bin.1.name: found 'bricks', used before in line 6; give each" in message


def test_bin_names_that_differ_by_case_alone_are_refused(tmp_path: Path, shipped: Bundle) -> None:
    message = mismatch(tmp_path, CAMERA + BINS.replace('"rest"', '"Bricks"'), shipped)
    assert "'Bricks' is used twice, by number 1 and 2" in message


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_label_that_does_not_exist_is_refused_with_the_nearest(
    tmp_path: Path, shipped: Bundle, quote: str
) -> None:
    text = CAMERA + BINS.replace('"3001"', f"{quote}30001{quote}")
    message = mismatch(tmp_path, text, shipped)
    assert "edge.toml, line 7: label '30001' does not exist in this model; did you mean " in message
    assert "'3001'" in message


def test_a_watched_label_that_does_not_exist_is_refused(tmp_path: Path, shipped: Bundle) -> None:
    text = CAMERA + '[sorting]\nwatch_for = ["3001", "nothing like it"]\n'
    message = mismatch(tmp_path, text, shipped)
    assert "line 4: label 'nothing like it' does not exist" in message
    assert "for example" in message


def test_a_label_routed_twice_is_refused(tmp_path: Path, shipped: Bundle) -> None:
    message = mismatch(tmp_path, CAMERA + BINS + 'labels = ["3001", "3003"]\n', shipped)
    assert "line 7: label '3001' goes to 2 bins, 'bricks', 'rest'; keep one" in message


@pytest.mark.parametrize("key", ["unknown_bin", "review_bin", "overflow_bin"])
def test_a_way_to_a_bin_that_does_not_exist_is_refused(
    tmp_path: Path, shipped: Bundle, key: str
) -> None:
    text = CAMERA + f'[sorting]\nmode = "single"\n{key} = "brick"\n' + BINS
    message = mismatch(tmp_path, text, shipped)
    assert f"line 5: {key} is 'brick', which does not exist; did you mean 'bricks'?" in message


def test_sorting_without_bins_is_refused(tmp_path: Path, shipped: Bundle) -> None:
    message = mismatch(tmp_path, CAMERA + '[sorting]\nmode = "single"\n', shipped)
    assert "line 4: mode 'single' needs bins; none is listed" in message


def test_every_problem_is_named_at_once(tmp_path: Path, shipped: Bundle) -> None:
    text = CAMERA + '[sorting]\nreview_bin = "look"\nwatch_for = ["x1"]\n' + BINS
    assert len(mismatch(tmp_path, text, shipped).splitlines()) == 2


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("warm_c = 80.0\nhot_c = 70.0", "line 5: explain.warm_c: found warm_c 80 and hot_c 70"),
        ("warm_c = 90.0", "line 5: explain.warm_c: found warm_c 90 and hot_c 80"),
        ("hot_c = 20.0", "line 5: explain.hot_c: found warm_c 70 and hot_c 20"),
    ],
)
def test_lime_must_give_way_before_the_machine_is_hot(
    tmp_path: Path, lines: str, named: str
) -> None:
    message = refusal(tmp_path, f"{CAMERA}[explain]\nseed = 1\n{lines}\n")
    assert named in message
    assert "must be below" in message


# --- the camera's region, and thresholds of one's own ---


def test_a_region_and_thresholds_are_read(tmp_path: Path, shipped: Bundle) -> None:
    text = CAMERA + 'roi = [0.1, 0.2, 0.5, 0.6]\n[thresholds]\n3001 = 0.6\n"3023b" = 0\n'
    config = read_config(written(tmp_path, text))
    assert config.region == Region(0.1, 0.2, 0.5, 0.6)
    assert config.thresholds == {"3001": 0.6, "3023b": 0.0}
    check_against_bundle(config, shipped)
    changed = with_thresholds(shipped, config.thresholds)
    own = {label.id: float(share) for label, share in zip_labels(shipped)}
    for label, share in zip_labels(changed):
        assert share == pytest.approx(config.thresholds.get(label.id, own[label.id]))
    assert changed.sha256 == shipped.sha256


def zip_labels(bundle: Bundle) -> list[tuple[Label, float]]:
    return list(zip(bundle.labels, map(float, bundle.thresholds), strict=True))


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("roi = [0.5, 0, 0.6, 1]", "line 3: camera.roi: found [0.5, 0, 0.6, 1]"),
        ("roi = [0, 0, 1]", "line 3: camera.roi"),
        ("roi = [0, 0, 2, 1]", "line 3: camera.roi"),
        ('roi = "all"', "line 3: camera.roi: found 'all'"),
        ("[thresholds]\n3001 = 1.5", "line 4: thresholds.3001: found 1.5"),
        ("[thresholds]\n3001 = nan", "line 4: thresholds.3001: found nan"),
        ('[thresholds]\n3001 = "0.5"', "line 4: thresholds.3001: found '0.5'"),
    ],
)
def test_a_region_or_threshold_out_of_range_is_named(
    tmp_path: Path, lines: str, named: str
) -> None:
    assert named in refusal(tmp_path, f"{CAMERA}{lines}\n")


def test_a_threshold_of_no_label_names_those_alike(tmp_path: Path, shipped: Bundle) -> None:
    message = mismatch(tmp_path, CAMERA + '[thresholds]\n"30001" = 0.5\n', shipped)
    assert "line 4: thresholds: label '30001' does not exist in this model" in message
    assert "did you mean '3001'" in message


# --- what of a frame the model is shown ---

OBJECT = CAMERA + "focus = 'object'\n"
SINGLE = "[sorting]\nmode = 'single'\n"
EMPTY_PLACE = "[items]\nempty_at_start = true\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CAMERA, LookAt.FRAME),
        (CAMERA + "focus = 'frame'\ntiles = true\n", LookAt.TILES),
        (OBJECT + SINGLE + EMPTY_PLACE, LookAt.OBJECT),
    ],
)
def test_what_the_model_is_shown_is_read(tmp_path: Path, text: str, found: LookAt) -> None:
    assert read_config(written(tmp_path, text)).look_at is found


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            OBJECT + SINGLE,
            3,
            "camera.focus: found 'object' without [items] empty_at_start; allowed is 'frame', or"
            " 'object' with empty_at_start = true",
        ),
        (
            OBJECT + EMPTY_PLACE,
            3,
            "camera.focus: found 'object' in mode 'watch'; allowed is 'frame', or 'object' in mode"
            " 'single'",
        ),
        (
            OBJECT + "tiles = true\n" + SINGLE + EMPTY_PLACE,
            4,
            "camera.tiles: found true with focus 'object'; allowed with focus 'frame'",
        ),
        (CAMERA + "focus = 'brick'\n", 3, "camera.focus: found 'brick'; input should be 'frame'"),
        (CAMERA + "tiles = 'yes'\n", 3, "camera.tiles: found 'yes'; "),
    ],
)
def test_what_the_model_cannot_be_shown_is_refused(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    message = refusal(tmp_path, text)
    assert f"edge.toml, line {line}: {said}" in message


@pytest.mark.parametrize(
    ("size", "roi", "quarter"),
    [("[120, 90]", "[0.0, 0.0, 1.0, 1.0]", 72), ("[640, 480]", "[0.0, 0.0, 0.2, 0.2]", 77)],
)
def test_tiles_of_tiny_pictures_are_refused(
    tmp_path: Path, shipped: Bundle, size: str, roi: str, quarter: int
) -> None:
    camera = f"[camera]\nsource = 'picamera2'\nsize_px = {size}\nroi = {roi}\ntiles = true\n"
    message = mismatch(tmp_path, camera, shipped)
    assert "edge.toml, line 5: camera.tiles: found true with pictures of " in message
    half = shipped.preprocessing.size_px // 2
    assert f"have {quarter} along their longer side; expected {half} at least" in message
    check_against_bundle(read_config(written(tmp_path, camera.replace("true", "false"))), shipped)

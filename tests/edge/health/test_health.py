"""What is read of the machine, on trees of files like those of a board."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.health.clock import boot_age_s, synchronised
from edge.health.disk import Disk, read_disk
from edge.health.looking import EVERY_S, Looking
from edge.health.throttle import FIRMWARE, Throttle, parsed, read_throttle
from edge.health.versions import versions
from edge.health.vitals import Memory, Vitals, read_vitals
from edge.health.warnings import warnings
from edge.timings import EVERY_S as TOLD_EVERY_S
from edge.timings import KEPT, Stopwatch

WELL = Vitals(
    celsius={"cpu-thermal": 51.0},
    throttle=Throttle((), ()),
    load=0.3,
    cores=4,
    memory=Memory(4 * 10**9, 2 * 10**9, 150 * 10**6),
    disk=Disk(32 * 10**9, 20 * 10**9, 5 * 10**6, 100 * 10**6),
    clock_synchronised=True,
    uptime_s=3600.0,
)


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def changed(**values: object) -> Vitals:
    from dataclasses import replace

    return replace(WELL, **values)  # type: ignore[arg-type]


# --- throttle ---


@pytest.mark.parametrize(
    ("text", "now", "occurred"),
    [
        ("0", (), ()),
        ("throttled=0x0\n", (), ()),
        ("0x50000", (), ("under-voltage", "throttled")),
        ("50005", ("under-voltage", "throttled"), ("under-voltage", "throttled")),
        (
            "throttled=0xf000f",
            ("under-voltage", "arm frequency capped", "throttled", "soft temperature limit"),
            ("under-voltage", "arm frequency capped", "throttled", "soft temperature limit"),
        ),
        ("0x80008", ("soft temperature limit",), ("soft temperature limit",)),
        ("0x20002", ("arm frequency capped",), ("arm frequency capped",)),
    ],
)
def test_all_eight_bits_are_told(
    text: str, now: tuple[str, ...], occurred: tuple[str, ...]
) -> None:
    assert parsed(text) == Throttle(now, occurred)


@given(st.integers(0, 2**32 - 1))
def test_other_bits_say_nothing(bits: int) -> None:
    known = bits & 0xF000F
    assert parsed(hex(bits)) == parsed(hex(known))


def test_a_board_without_bits_tells_none(tmp_path: Path) -> None:
    assert read_throttle(tmp_path) is None
    put(tmp_path, str(FIRMWARE), "no number")
    assert read_throttle(tmp_path) is None
    put(tmp_path, str(FIRMWARE), "50000\n")
    assert read_throttle(tmp_path) == Throttle((), ("under-voltage", "throttled"))


# --- the rest ---


def test_vitals_of_a_board(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "51540\n")
    put(tmp_path, "sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    put(tmp_path, "sys/class/thermal/thermal_zone1/temp", "-273000\n")
    put(tmp_path, "sys/class/thermal/thermal_zone1/type", "broken\n")
    put(tmp_path, "sys/class/thermal/thermal_zone2/temp", "asleep\n")
    put(tmp_path, "sys/class/thermal/thermal_zone2/type", "gpu\n")
    put(tmp_path, "sys/class/thermal/thermal_zone3/temp", "40000\n")
    put(tmp_path, "sys/class/thermal/thermal_zone3/type", "cpu-thermal\n")
    put(tmp_path, "proc/uptime", "4711.5 9000.1\n")
    put(tmp_path, "proc/meminfo", "MemTotal: 4000 kB\nMemAvailable: 1000 kB\nHuge: 0\n")
    put(tmp_path, "proc/self/statm", "100 7 5 0 0 0 0\n")
    put(tmp_path, "run/systemd/timesync/synchronized", "")
    seen = read_vitals(tmp_path / "journal.sqlite", tmp_path)
    assert seen.celsius == {"cpu-thermal": 51.54, "cpu-thermal 3": 40.0}
    assert seen.uptime_s == 4711.5
    assert seen.memory is not None
    assert (seen.memory.total, seen.memory.available) == (4_096_000, 1_024_000)
    assert seen.memory.own == 7 * 4096
    assert seen.clock_synchronised is True


def test_what_is_not_there_is_not_invented(tmp_path: Path) -> None:
    seen = read_vitals(tmp_path / "gone" / "journal.sqlite", tmp_path)
    assert seen.celsius == {}
    found = (seen.throttle, seen.memory, seen.disk, seen.uptime_s, seen.clock_synchronised)
    assert found == (None,) * 5
    assert boot_age_s(tmp_path) is None
    assert synchronised(tmp_path) is None


def test_this_machine_can_be_read(tmp_path: Path) -> None:
    seen = read_vitals(tmp_path / "journal.sqlite")
    assert seen.memory is not None
    assert 0 < seen.memory.own < seen.memory.total
    assert seen.disk is not None
    assert 0 < seen.disk.free <= seen.disk.total
    assert seen.uptime_s is not None
    assert seen.uptime_s > 0


def test_the_disk_counts_journal_and_pictures(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    put(tmp_path, "journal.sqlite", "x" * 10)
    put(tmp_path, "journal.sqlite-wal", "x" * 5)
    put(tmp_path, "journal.sqlite.frames/000/1.jpg", "x" * 7)
    put(tmp_path, "journal.sqlite.frames/000/1.npz", "x" * 2)
    disk = read_disk(journal)
    assert disk is not None
    assert (disk.journal, disk.pictures) == (15, 9)


def test_versions_name_what_runs(tmp_path: Path) -> None:
    put(tmp_path, "proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\x00")
    put(tmp_path, "etc/os-release", 'ID=debian\nPRETTY_NAME="Debian 12"\n')
    found = versions(tmp_path)
    assert found["board"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert found["system"] == "Debian 12"
    assert {"Bricksight", "numpy", "OpenCV", "Python", "kernel"} <= set(found)


def test_many_who_ask_look_once(tmp_path: Path) -> None:
    now_s = 10.0
    looking = Looking(tmp_path / "journal.sqlite", tmp_path, lambda: now_s)
    first = looking.now()
    assert looking.now() is first
    now_s += EVERY_S
    assert looking.now() is not first


# --- warnings ---


def test_a_machine_that_does_well_is_not_warned_of() -> None:
    assert warnings(WELL, 80, 500) == []
    assert warnings(changed(throttle=None, celsius={}, clock_synchronised=None), 80, 500) == []


@pytest.mark.parametrize(
    ("vitals", "said"),
    [
        (changed(throttle=Throttle(("under-voltage",), ())), "too little voltage now"),
        (changed(throttle=Throttle((), ("under-voltage",))), "had too little voltage"),
        (changed(throttle=Throttle(("throttled",), ())), "slowed down now (throttled)"),
        (changed(celsius={"cpu": 84.0}), "cpu is 84 °C"),
        (changed(disk=Disk(10**9, 3 * 10**8, 0, 0)), "300 MB are free"),
        (changed(disk=None), "cannot be asked"),
        (changed(memory=Memory(10**9, 5 * 10**7, 0)), "50 MB of memory"),
        (changed(clock_synchronised=False), "follows no time server"),
    ],
)
def test_each_trouble_is_one_sentence(vitals: Vitals, said: str) -> None:
    (sentence,) = warnings(vitals, 80, 500)
    assert said in sentence


# --- timings ---


def test_quantiles_are_of_the_last_frames() -> None:
    watch = Stopwatch()
    assert watch.told(0.0).stages == {}
    for number in range(1, 2 * KEPT + 1):
        watch.note({"label": float(number)}, 2.0 * number, number / 10)
    told = watch.told(2 * KEPT / 10)
    assert told.frames == 2 * KEPT
    label = told.stages["label"]
    assert (label.count, label.largest) == (KEPT, 2 * KEPT)
    # Of 301..600: numpy's percentile interpolates between neighbours.
    assert label.p50 == pytest.approx(450.5)
    assert label.p95 == pytest.approx(301 + 0.95 * 299)
    assert told.stages["age"].p50 == pytest.approx(901.0)
    assert told.fps == pytest.approx(10.0, rel=0.02)


def test_what_is_told_is_at_most_a_second_old() -> None:
    watch = Stopwatch()
    watch.note({"label": 1.0}, 1.0, 0.0)
    first = watch.told(0.0)
    watch.note({"label": 3.0}, 1.0, 0.1)
    assert watch.told(TOLD_EVERY_S / 2) is first
    assert watch.told(TOLD_EVERY_S).stages["label"].largest == 3.0


def test_a_camera_that_fell_silent_is_no_fast_one() -> None:
    watch = Stopwatch()
    for number in range(100):
        watch.note({}, 1.0, number / 10)
    assert watch.told(9.9).fps == pytest.approx(10.0, rel=0.02)
    assert watch.told(14.9).fps == pytest.approx(5.0, rel=0.05)
    assert watch.told(60.0).fps == 0.0

"""What a person should do something about."""

from collections.abc import Iterator

from edge.health.vitals import Vitals

MB = 10**6
MEMORY_SHARE = 0.1


def warnings(vitals: Vitals, hot_c: float, min_free_mb: int) -> list[str]:
    """One sentence each: what is wrong, and what to do.

    Args:
        vitals: Of now.
        hot_c: From where on the machine is hot.
        min_free_mb: With less free on the disk, no picture is kept.
    """
    return [*_power(vitals), *_heat(vitals, hot_c), *_room(vitals, min_free_mb), *_clock(vitals)]


def _power(vitals: Vitals) -> Iterator[str]:
    if vitals.throttle is None:
        return
    if "under-voltage" in vitals.throttle.now:
        yield "The board has too little voltage now; use a stronger supply and a shorter cable."
    elif "under-voltage" in vitals.throttle.occurred:
        yield "The board had too little voltage since it was started; check power supply and cable."
    slow = [bit for bit in vitals.throttle.now if bit != "under-voltage"]
    if slow:
        yield f"The board is slowed down now ({', '.join(slow)}); cool it better."


def _heat(vitals: Vitals, hot_c: float) -> Iterator[str]:
    hot = {name: celsius for name, celsius in vitals.celsius.items() if celsius >= hot_c}
    for name, celsius in hot.items():
        yield f"{name} is {celsius:.0f} °C; LIME takes fewer samples. Cool the machine better."


def _room(vitals: Vitals, min_free_mb: int) -> Iterator[str]:
    disk, memory = vitals.disk, vitals.memory
    if disk is None:
        yield "The disk of the journal cannot be asked; is it still there?"
    elif disk.free < min_free_mb * MB:
        yield (
            f"{disk.free // MB} MB are free on the disk, below frames_min_free_mb = {min_free_mb}:"
            " no pictures are kept. Make room; a full disk stops the machine."
        )
    if memory is not None and memory.available < MEMORY_SHARE * memory.total:
        yield f"Only {memory.available // MB} MB of memory are available; end other programs."


def _clock(vitals: Vitals) -> Iterator[str]:
    if vitals.clock_synchronised is False:
        yield (
            "The clock follows no time server: times in the journal may be wrong. Nothing else"
            " depends on it."
        )

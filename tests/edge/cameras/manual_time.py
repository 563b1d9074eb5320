"""A clock that only moves when somebody waits, and remembers for how long."""


class ManualTime:
    """Stands in for `time.monotonic` and for waiting."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waits_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        self.now_s += seconds

"""Whether the wall clock is right: journals and cards show its time."""

import ctypes
import os
from pathlib import Path

TIMESYNCD = Path("run/systemd/timesync/synchronized")
STA_UNSYNC = 0x0040
TIME_ERROR = 5
_TIMEX_BYTES = 512
"""More than any struct timex; only its first fields are looked at."""
_STATUS_AT = 5 * ctypes.sizeof(ctypes.c_long) // ctypes.sizeof(ctypes.c_int)


def synchronised(root: Path = Path("/")) -> bool | None:
    """Whether the clock follows a time server; None where nobody knows.

    The kernel is asked as adjtimex(2) does, with a struct that changes nothing.
    """
    if (root / TIMESYNCD).exists():
        return True
    if root != Path("/"):
        return None
    return _kernel_says()


def _kernel_says() -> bool | None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return None
    # `modes`, the first field, stays 0: only ask.
    timex = (ctypes.c_int * (_TIMEX_BYTES // ctypes.sizeof(ctypes.c_int)))()
    state = libc.adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    return state != TIME_ERROR and not timex[_STATUS_AT] & STA_UNSYNC


def boot_age_s(root: Path = Path("/")) -> float | None:
    """Seconds since the machine was started."""
    try:
        return float((root / "proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def page_bytes() -> int:
    """Bytes of a page of memory."""
    return os.sysconf("SC_PAGE_SIZE")

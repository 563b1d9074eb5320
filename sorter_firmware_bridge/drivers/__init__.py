"""One driver for each kind of machine, and the one way to open them."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import cast

from sorter_firmware_bridge.bins import Bin, check_bins
from sorter_firmware_bridge.drivers.driver import Driver
from sorter_firmware_bridge.errors import DriverMissing, DriverUnknown

__all__ = ["ADAPTERS", "Driver", "open_driver"]

# Kind of machine -> module with `open_machine(bins, settings)`; imported only when it is opened.
ADAPTERS: Mapping[str, str] = MappingProxyType(
    {"simulated": "sorter_firmware_bridge.drivers.simulated"}
)
_NO_SETTINGS: Mapping[str, object] = MappingProxyType({})


def open_driver(
    kind: str, bins: Sequence[Bin], settings: Mapping[str, object] = _NO_SETTINGS
) -> Driver:
    """Open a machine.

    Args:
        kind: One of `ADAPTERS`.
        bins: The bins it is expected to have.
        settings: What this kind of driver wants to know; its module says what.

    Returns:
        The open machine, disarmed.

    Raises:
        DriverUnknown: There is no such kind.
        DriverMissing: The library it needs is not installed.
        DriverSettingsError: A setting is wrong.
        BinError: The bins cannot be.
        MachineUnavailable: The machine does not answer.

    Example:
        with open_driver("simulated", [Bin(1, "plates"), Bin(2, "rest")]) as machine:
            machine.arm()
            machine.move_to(Command(1, Bin(2, "rest")))
    """
    check_bins(bins)
    return _opener(kind)(tuple(bins), settings)


_Opener = Callable[[tuple[Bin, ...], Mapping[str, object]], Driver]


def _opener(kind: str) -> _Opener:
    if kind not in ADAPTERS:
        close = get_close_matches(kind, ADAPTERS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DriverUnknown(f"machine kind {kind!r}: allowed are {', '.join(ADAPTERS)}{hint}")
    try:
        module = importlib.import_module(ADAPTERS[kind])
    except ImportError as error:
        raise DriverMissing(
            f"the {kind} driver cannot be loaded ({error}); "
            f"install what it needs: pip install 'bricksight[{kind}]'"
        ) from error
    return cast(_Opener, module.open_machine)

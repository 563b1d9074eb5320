"""What can go wrong between the device and the sorting machine.

    BridgeError
    ├── BinError (ValueError)             a bin or a command that cannot be
    ├── DriverSettingsError (ValueError)  a driver's setting: key, found, allowed
    ├── DriverUnknown (LookupError)       no driver for that kind of machine
    ├── DriverMissing (ImportError)       the library a driver needs is not installed
    ├── DriverClosed (RuntimeError)       a call after `close()`
    ├── FirmwareError                     it cannot be built or flashed
    └── MachineError (OSError)
        ├── MachineUnavailable            it could not be opened
        └── MachineLost                   it was open and stopped answering

Each is also the builtin that fits. What a machine *answers* (refused, missed, unknown) is never an
error: it is a `Receipt`.
"""


class BridgeError(Exception):
    """Anything the bridge reports to its user."""


class BinError(BridgeError, ValueError):
    """A bin or a command that cannot be; the message names what was found and allowed."""


class DriverSettingsError(BridgeError, ValueError):
    """A driver's setting is wrong; the message names the key, what was found and allowed."""


class DriverUnknown(BridgeError, LookupError):
    """There is no driver of that kind; the message names those there are."""


class DriverMissing(BridgeError, ImportError):
    """A driver's library is not installed; the message says what to install."""


class DriverClosed(BridgeError, RuntimeError):
    """The driver was closed; open it again."""


class FirmwareError(BridgeError):
    """The firmware cannot be built or flashed; the message says what to mend."""


class MachineError(BridgeError, OSError):
    """The machine does not work with us."""


class MachineUnavailable(MachineError):
    """The machine could not be opened."""


class MachineLost(MachineError):
    """The machine was open and stopped answering."""

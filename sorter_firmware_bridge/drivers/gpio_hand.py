"""Outputs on pins, through gpiozero: one movement at a time, and never on for longer than told."""

import math
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import gpiozero

from sorter_firmware_bridge.bins import Command, Receipt, ReceiptState
from sorter_firmware_bridge.drivers.gpio_settings import GpioSettings, Output, OutputKind
from sorter_firmware_bridge.drivers.hand import Told
from sorter_firmware_bridge.errors import MachineLost


class Mover(Protocol):
    """One output, and how long its movement takes."""

    def on(self) -> None:
        """Begin the movement."""

    def back(self) -> None:
        """End it: the solenoid off, the servo to its rest."""

    def off(self) -> None:
        """No power and no signal."""

    def close(self) -> None:
        """Let go of the pin."""


class GpioHand:
    """One movement at a time; every output is off again after its time, whatever happens.

    Args:
        movers: Bin number -> its output.
        settings: How long each is on.
        factory: Closed with the hand.
    """

    def __init__(self, movers: Mapping[int, Mover], settings: GpioSettings, factory: Any) -> None:
        self._movers = movers
        self._settings = settings
        self._factory = factory
        self._steps: list[tuple[float, Callable[[], None]]] = []
        self._closed = False

    @property
    def wakes_s(self) -> float:
        """See `Hand.wakes_s`: when an output has to go off, or the next may go on."""
        return self._steps[0][0] if self._steps else math.inf

    def ready(self) -> str:
        """See `Hand.ready`: pins are always ready."""
        return ""

    def busy(self, now_s: float) -> bool:
        """See `Hand.busy`."""
        return bool(self._steps)

    def begin(self, command: Command, now_s: float) -> Told:
        """See `Hand.begin`."""
        output = self._settings.pins[command.bin.number]
        mover = self._movers[command.bin.number]
        back_s = now_s + output.pulse_s
        off_s = back_s + (output.pulse_s if output.kind is OutputKind.SERVO else 0.0)
        gap_s = self._settings.gap_s
        self._steps = [(back_s, mover.back), (off_s, mover.off), (off_s + gap_s, _do_nothing)]
        self._drive(mover.on)
        return Told((Receipt(command.id, ReceiptState.FIRED, now_s),))

    def poll(self, now_s: float) -> Told:
        """See `Hand.poll`: end what has lasted its time."""
        while self._steps and self._steps[0][0] <= now_s:
            self._drive(self._steps.pop(0)[1])
        return Told()

    def rest(self) -> None:
        """See `Hand.rest`: everything off at once."""
        self._steps = []
        problem = self._all_off()
        if problem is not None:
            raise _gone(problem) from problem

    def close(self) -> None:
        """Everything off, and the pins given back."""
        if self._closed:
            return
        self._closed = True
        self._all_off()
        for mover in self._movers.values():
            with suppress(*pin_errors()):
                mover.close()
        self._factory.close()

    def _drive(self, act: Callable[[], None]) -> None:
        try:
            act()
        except pin_errors() as error:
            # Nobody drives the pins of a lost machine any more.
            self._all_off()
            raise _gone(error) from error

    def _all_off(self) -> Exception | None:
        """Every output off, whatever another one says; gives what the last of them said."""
        problem = None
        for mover in self._movers.values():
            try:
                mover.off()
            except pin_errors() as error:
                problem = error
        return problem


class _Pulse:
    def __init__(self, output: Output, factory: Any) -> None:
        self._device = gpiozero.DigitalOutputDevice(
            output.pin, active_high=output.active_high, initial_value=False, pin_factory=factory
        )

    def on(self) -> None:
        self._device.on()

    def back(self) -> None:
        self._device.off()

    def off(self) -> None:
        self._device.off()

    def close(self) -> None:
        self._device.close()


class _Servo:
    def __init__(self, output: Output, factory: Any) -> None:
        self._output = output
        self._device = gpiozero.AngularServo(
            output.pin,
            initial_angle=None,
            min_angle=output.min_angle,
            max_angle=output.max_angle,
            pin_factory=factory,
        )

    def on(self) -> None:
        self._device.angle = self._output.angle

    def back(self) -> None:
        self._device.angle = self._output.rest_angle

    def off(self) -> None:
        self._device.detach()

    def close(self) -> None:
        self._device.close()


def pin_errors() -> tuple[type[Exception], ...]:
    """What gpiozero raises, and what lgpio raises through it."""
    lgpio = sys.modules.get("lgpio")
    return (gpiozero.GPIOZeroError, OSError, *([lgpio.error] if lgpio else []))


def mover_of(output: Output, factory: Any) -> Mover:
    """The output on its pin, off.

    Raises:
        GPIOZeroError: The pin cannot be had.
    """
    return (_Servo if output.kind is OutputKind.SERVO else _Pulse)(output, factory)


def _gone(error: Exception) -> MachineLost:
    return MachineLost(
        f"a pin cannot be driven any more ({error}); switch the power of the actuators off, then "
        "open it again"
    )


def _do_nothing() -> None:
    """The gap after a movement."""

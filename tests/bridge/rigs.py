"""The machines that have to keep the driver contract, with a hand on their time."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fault_proxy import Wire
from gpiozero.pins.mock import MockFactory, MockPWMPin
from machines.broker import Broker
from machines.core import Core
from machines.line_machine import LineMachine
from machines.modbus_machine import ModbusMachine
from machines.mqtt_machine import MqttMachine
from machines.serial_pair import serial_pair
from sbp_machines import bins_on, boot
from waiting import wait_for

from sorter_firmware_bridge.bins import Bin, Command, Receipt
from sorter_firmware_bridge.drivers import Driver, gpio, linetext, modbus, mqtt
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.drivers.gpio_hand import GpioHand, mover_of
from sorter_firmware_bridge.drivers.gpio_settings import GpioSettings, Output
from sorter_firmware_bridge.drivers.hand import Told
from sorter_firmware_bridge.drivers.host_timed import HostTimedDriver
from sorter_firmware_bridge.drivers.linetext_hand import LineHand
from sorter_firmware_bridge.drivers.linetext_link import SerialLink
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver, SimulatedSettings
from sorter_firmware_bridge.firmware import table
from sorter_firmware_bridge.link import Link, LinkSettings
from sorter_firmware_bridge.protocol import Event, EventKind

BINS = (Bin(1, "plates"), Bin(2, "tiles"), Bin(7, "rest"))
STEP_S = 0.01


class Clock:
    """A clock that only goes when it is told to."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def steps(self, duration_s: float) -> Iterator[None]:
        """Go on in steps, so that what happens in between happens at its time."""
        for _ in range(round(duration_s / STEP_S)):
            self.now_s += STEP_S
            yield


@dataclass(frozen=True, slots=True)
class Rig:
    """A freshly opened machine, a way to let its time pass, and what it really did.

    `fired` lists the ids of the movements that happened, whatever the link said of them. After
    `over_s` nothing of what was accepted is still to come.
    """

    driver: Driver
    wait: Callable[[float], None]
    fired: Callable[[], list[int]]
    over_s: float = 5.0

    def news(self, count: int) -> tuple[Receipt, ...]:
        """The receipts, waiting for a link that takes its time until there are `count`."""
        found = list(self.driver.receipts())
        wait_for(
            lambda: found.extend(self.driver.receipts()) or len(found) >= count,
            f"{count} receipts",
        )
        return tuple(found)


@contextmanager
def _simulated(settings: SimulatedSettings) -> Iterator[Rig]:
    clock = Clock()
    driver = SimulatedDriver(BINS, settings, clock)

    def wait(duration_s: float) -> None:
        clock.now_s += duration_s

    yield Rig(driver, wait, lambda: [pulse.command_id for pulse in driver.pulses])


@contextmanager
def _modbus(serial: bool, confirms: bool) -> Iterator[Rig]:
    clock = Clock(5.0)
    core = Core(clock, confirms)
    machine = ModbusMachine(core, base=100 * serial, unit=1 + serial)

    def wait(duration_s: float) -> None:
        for _ in clock.steps(duration_s):
            with core.lock:
                core.tick()

    def rig(**settings: object) -> Rig:
        patient = {"timeout_s": 2.0, "answer_s": 10.0}
        driver = modbus.open_machine(BINS, {**patient, **settings})
        return Rig(driver, wait, lambda: list(core.fired))

    try:
        if serial:
            with serial_pair() as (near, far):
                machine.serve_rtu(far)
                yield rig(port=near, baud=115200, unit=2, base=100)
        else:
            yield rig(host="127.0.0.1", tcp_port=machine.serve_tcp())
    finally:
        machine.end()


@contextmanager
def _mqtt(twice: bool) -> Iterator[Rig]:
    clock = Clock(5.0)
    core = Core(clock)
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        machine = MqttMachine(core, broker.port, twice=twice)

        def wait(duration_s: float) -> None:
            for _ in clock.steps(duration_s):
                with core.lock:
                    core.tick()
            machine.settle()

        settings = {"host": "127.0.0.1", "port": broker.port, "prefix": "sorter", "answer_s": 10.0}
        try:
            driver = mqtt.open_machine(BINS, settings)
            yield Rig(driver, wait, lambda: list(core.fired))
        finally:
            machine.end()
            broker.end()


def numbered_script(line: str) -> list[str]:
    """What a machine of the profile at-id says."""
    known = {"@ping": ["@pong"], "@home": ["@homed"], "@stop": ["@stopped"]}
    if line in known:
        return known[line]
    number = line.partition(" ")[0]
    return [f"{number} accepted", f"{number} progress", f"{number} done"]


@contextmanager
def _linetext() -> Iterator[Rig]:
    clock = Clock()
    machine = LineMachine(numbered_script, b"@ready\r\n")
    settings = linetext.read_settings({"port": machine.port, "profile": "at-id"})
    hand = LineHand(settings, SerialLink(settings.port, settings.bits_per_second, 1.0))
    hand.greet()
    driver = HostTimedDriver(linetext.describe(BINS, settings), hand, clock, ticking=False)

    def wait(duration_s: float) -> None:
        """The machine answers in real time: while it is to, the driver's time stands still."""
        for _ in clock.steps(duration_s):
            driver.tick()
            wait_for(lambda: driver.tick() or not hand.awaits, "an answer")

    def fired() -> list[int]:
        moves = [line for line in machine.heard if line[1:2].isdigit()]
        return [int(line[1:].split()[0]) for line in moves]

    try:
        yield Rig(driver, wait, fired)
    finally:
        driver.close()
        machine.unplug()


class WatchedHand(GpioHand):
    """Notes the commands on which exactly the pin of their bin rose."""

    def watch(self, factory: MockFactory) -> None:
        self.factory = factory
        self.ids: list[int] = []

    def begin(self, command: Command, now_s: float) -> Told:
        before = self._rises()
        told = super().begin(command, now_s)
        pin = self._settings.pins[command.bin.number].pin
        if self._rises() == {**before, pin: before[pin] + 1}:
            self.ids.append(command.id)
        return told

    def all_rises(self) -> int:
        return sum(self._rises().values())

    def _rises(self) -> dict[int, int]:
        pins = [output.pin for output in self._settings.pins.values()]
        return {
            pin: sum(bool(state.state) for state in self.factory.pin(pin).states) for pin in pins
        }


@contextmanager
def _gpio() -> Iterator[Rig]:
    clock = Clock()
    pins = {bin_.number: Output(pin=10 + bin_.number) for bin_ in BINS}
    settings = GpioSettings(pins=pins, pin_factory="mock")
    factory: Any = MockFactory(pin_class=MockPWMPin)
    movers = {number: mover_of(output, factory) for number, output in pins.items()}
    hand = WatchedHand(movers, settings, factory)
    hand.watch(factory)
    driver = HostTimedDriver(gpio.describe(BINS, settings), hand, clock, ticking=False)

    def wait(duration_s: float) -> None:
        for _ in clock.steps(duration_s):
            driver.tick()

    def fired() -> list[int]:
        return list(hand.ids)

    yield Rig(driver, wait, fired)


class NotedDriver(FramedDriver):
    """Notes which command went out under which number, and what the machine told of it."""

    def __init__(self, link: Link, wire: Wire) -> None:
        self.seqs: dict[int, int] = {}
        self.told: list[Event] = []
        super().__init__(link, BINS, clock=wire.now_s)

    def _await(self, seq: int, command_id: int) -> None:
        self.seqs[seq] = command_id
        super()._await(seq, command_id)

    def _learn(self, event: Event) -> None:
        self.told.append(event)
        super()._learn(event)


@contextmanager
def _framed(kind: str, rate: float = 0.0, watchdog_ms: int = 300) -> Iterator[Rig]:
    """Time is the machine's: in this process, or in cycles of the simulated chip."""
    outputs = tuple(
        table.Output(bin_.number, "pulse", pin, on_ms=10, rest_ms=2)
        for pin, bin_ in enumerate(BINS, start=4)
    )
    machine = boot(kind, table.Table(outputs, watchdog_ms=watchdog_ms))
    wire = Wire(machine, Random(4), rate)
    patience = LinkSettings(answer_timeout_s=0.015, attempts=60)
    # Deterministic, and never the nonce of another question.
    nonces = iter(range(1, 2**31))
    driver = NotedDriver(Link(wire, patience, wire.now_s, nonces.__next__), wire)

    def fired() -> list[int]:
        told = [event for event in driver.told if event.kind is EventKind.FIRED]
        assert bins_on(machine.edges()) == [event.detail for event in told]
        return [driver.seqs[event.seq] for event in told]

    yield Rig(driver, wire.wait, fired, over_s=1.3)


# A new kind of driver joins the contract suite with one more line.
RIGS: dict[str, Callable[[], Any]] = {
    "simulated": lambda: _simulated(SimulatedSettings()),
    "simulated, no drop sensor": lambda: _simulated(SimulatedSettings(confirms=False)),
    "framed, twin": lambda: _framed("twin"),
    "framed, firmware": lambda: _framed("avr"),
    "framed, bad wire": lambda: _framed("native", rate=0.3, watchdog_ms=2000),
    "linetext on a pseudo terminal": _linetext,
    "modbus over TCP": lambda: _modbus(serial=False, confirms=True),
    "modbus over a serial line, no drop sensor": lambda: _modbus(serial=True, confirms=False),
    "mqtt through mosquitto": lambda: _mqtt(twice=False),
    "mqtt with every receipt twice": lambda: _mqtt(twice=True),
    "gpio on mock pins": _gpio,
}

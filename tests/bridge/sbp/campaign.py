"""A thousand commands through a bad wire, and whether what was told is what happened."""

from dataclasses import dataclass
from random import Random

from fault_proxy import Wire
from sbp_machines import Edge, Machine

from sorter_firmware_bridge.bins import Bin, Cause, Command, Receipt, ReceiptState
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.errors import MachineLost
from sorter_firmware_bridge.link import Link, LinkSettings

BINS = tuple(Bin(number, f"bin {number}") for number in (1, 2, 3, 4))
# Sixty tries of 15 ms: a machine behind this wire is heard within its watchdog of 500 ms.
LINK = LinkSettings(answer_timeout_s=0.015, attempts=60, open_timeout_s=5.0)
CLOCK_TOLERANCE_S = 0.001
MAX_REFUSALS = 200


@dataclass(frozen=True, slots=True)
class Order:
    """One accepted command."""

    command: Command
    receipts: tuple[Receipt, ...]

    @property
    def states(self) -> list[ReceiptState]:
        return [receipt.state for receipt in self.receipts]


@dataclass(frozen=True, slots=True)
class Report:
    """What was told, and what really happened.

    Attributes:
        orders: All commands that were accepted.
        pulses: When each output really went on, on the machine's clock in seconds.
        faulty: The share of frames to which something happened, down and up.
    """

    orders: tuple[Order, ...]
    pulses: tuple[tuple[int, float], ...]
    faulty: tuple[float, float]

    @property
    def fired(self) -> list[tuple[int, float]]:
        """Bin and time of everything that was told as fired."""
        return sorted(
            (order.command.bin.number, receipt.clock_s or 0.0)
            for order in self.orders
            for receipt in order.receipts
            if receipt.state is ReceiptState.FIRED
        )

    def problems(self) -> list[str]:
        """What does not hold; empty where everything does."""
        found = []
        if len(self.pulses) != len(self.fired):
            found.append(f"{len(self.pulses)} pulses, {len(self.fired)} told as fired")
        if len(self.fired) != len(self.orders):
            found.append(f"{len(self.orders)} accepted, {len(self.fired)} told as fired")
        for (bin_, at_s), (told_bin, told_s) in zip(sorted(self.pulses), self.fired, strict=False):
            if bin_ != told_bin or abs(at_s - told_s) > CLOCK_TOLERANCE_S:
                found.append(f"bin {bin_} at {at_s:.4f} s, told bin {told_bin} at {told_s:.4f} s")
        found += [problem for order in self.orders if (problem := _problem(order))]
        return found


def _problem(order: Order) -> str | None:
    command, states = order.command, order.states
    fired = [r for r in order.receipts if r.state is ReceiptState.FIRED]
    if len(fired) > 1:
        return f"command {command.id} fired {len(fired)} times"
    if len(fired) == 0:
        return f"command {command.id} was accepted and ended as {states}"
    at_s = fired[0].clock_s or 0.0
    if command.deadline_s is not None and at_s > command.deadline_s:
        return f"command {command.id} fired {at_s - command.deadline_s:.4f} s late"
    if command.due_s is not None and at_s < command.due_s:
        return f"command {command.id} fired {command.due_s - at_s:.4f} s early"
    return None


def run(machine: Machine, seed: int, commands: int, rate: float = 0.36) -> Report:
    """Send commands until so many were accepted, and wait for the end of each.

    Args:
        machine: Freshly booted.
        seed: Of the faults and of what is asked for.
        commands: How many.
        rate: The share of frames that something happens to, each way.
    """
    wire = Wire(machine, Random(seed), rate)
    random = Random(-seed)
    # Deterministic, and never the nonce of another question.
    link = Link(wire, LINK, wire.now_s, nonce=iter(range(1, 2**31)).__next__)
    driver = FramedDriver(link, BINS, ("gate",), clock=wire.now_s)
    driver.arm()
    sent: dict[int, Command] = {}
    told: dict[int, list[Receipt]] = {}
    refusals = 0
    while len(sent) < commands:
        command = _next_command(driver, len(sent) + 1, random)
        receipt = driver.move_to(command)
        if receipt.state is ReceiptState.ACCEPTED:
            sent[command.id], told[command.id] = command, []
            refusals = 0
        elif receipt.state is ReceiptState.UNKNOWN:
            raise MachineLost(f"command {command.id}: {receipt.reason}")
        else:
            refusals += 1
            if refusals > MAX_REFUSALS or receipt.cause is Cause.NOT_ARMED:
                raise MachineLost(f"command {command.id} is refused: {receipt.reason}")
            wire.wait(0.02)
        _collect(driver, told)
    for _ in range(400):
        if all(receipts for receipts in told.values()):
            break
        driver.heartbeat()
        wire.wait(0.02)
        _collect(driver, told)
    wire.wait(0.2)
    _collect(driver, told)
    orders = tuple(Order(command, tuple(told[id_])) for id_, command in sent.items())
    return Report(orders, _pulses(machine.edges(), orders), _faulty(wire))


def _next_command(driver: FramedDriver, command_id: int, random: Random) -> Command:
    bin_ = random.choice(BINS)
    if random.random() < 0.3:
        return Command(command_id, bin_)
    due_s = driver.state().clock_s + random.uniform(0.05, 0.25)
    return Command(command_id, bin_, due_s, due_s + 0.4)


def _collect(driver: FramedDriver, told: dict[int, list[Receipt]]) -> None:
    for receipt in driver.receipts():
        told[receipt.command_id].append(receipt)


def _pulses(edges: list[Edge], orders: tuple[Order, ...]) -> tuple[tuple[int, float], ...]:
    """When outputs went on, on the machine's own clock, which begins a little after its power."""
    on = [edge for edge in edges if edge.on]
    first = min(
        (r.clock_s or 0.0 for o in orders for r in o.receipts if r.state is ReceiptState.FIRED),
        default=0.0,
    )
    origin_s = min((edge.at_us / 1e6 for edge in on), default=0.0) - first
    return tuple((edge.bin, edge.at_us / 1e6 - origin_s) for edge in on)


def _faulty(wire: Wire) -> tuple[float, float]:
    down, up = (wire.seen[f"{way} faulty"] / max(wire.seen[way], 1) for way in ("down", "up"))
    return down, up

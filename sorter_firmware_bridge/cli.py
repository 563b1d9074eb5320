"""bricksight-bridge: look at a machine, watch its link, simulate one, build its firmware."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.doctor import Doctor, Finding, MachineFacts, read_machine
from sorter_firmware_bridge.drivers import open_driver
from sorter_firmware_bridge.errors import (
    BridgeError,
    DriverMissing,
    MachineError,
    MachineLost,
    MachineUnavailable,
)
from sorter_firmware_bridge.link import Link
from sorter_firmware_bridge.ports import Port, list_ports

NOT_AN_ESTOP = (
    "A software stop is no safety-rated emergency stop: that must cut the power of the actuators."
)
OWN_POLL_S = 0.25
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=f"Looks after the sorting machine and its link. {NOT_AN_ESTOP}",
)
firmware_app = typer.Typer(
    no_args_is_help=True, help="The reference firmware for the Arduino Uno family."
)
app.add_typer(firmware_app, name="firmware")

BaudOption = Annotated[int, typer.Option(min=1200, max=2_000_000, help="As in machine.toml.")]
MachineOption = Annotated[
    Path | None,
    typer.Option("--machine", metavar="FILE", help="machine.toml; the shipped one if not given."),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Where firmware.hex goes, and your own *.cpp.")
]


@app.command()
def doctor(
    port: Annotated[str | None, typer.Argument(help="The likely one if not given.")] = None,
    baud: BaudOption = 115200,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Look at the machine of this edge.toml."),
    ] = None,
    move: Annotated[
        bool, typer.Option("--move/--no-move", help="Try bins and watchdog; asks before each.")
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; hands off the machine!")] = False,
) -> None:
    """Ports, permissions, round trips, every bin once, the watchdog. Exits with 1 on a problem."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    facts = read_machine(config) if config else None
    if facts is None:
        port = _choose_port(console, port)
        facts = _ask_machine(port, baud)
    findings: list[Finding] = []
    with (
        _interrupted_once(),
        open_driver(facts.kind, facts.bins, facts.settings) as driver,
    ):
        look = Doctor(driver)
        findings += [*look.introduce(), look.round_trips()]
        _print(console, "machine", findings)
        if move:
            findings += _try_everything(console, look, driver.hello.bins, yes)
    console.print(NOT_AN_ESTOP)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def monitor(
    port: Annotated[str, typer.Argument(help="Where the machine is.")],
    baud: BaudOption = 115200,
    link: Annotated[
        Path, typer.Option("--link", metavar="PATH", help="The port to give to the app instead.")
    ] = Path("/tmp/bricksight-monitor"),
    own: Annotated[
        bool, typer.Option("--own", help="No app: open a session and ask for the state.")
    ] = False,
) -> None:
    """Show every frame of a link in words, as it goes by. Ctrl-C ends it."""
    from sorter_firmware_bridge.drivers.framed import SerialTransport
    from sorter_firmware_bridge.pseudo_port import PseudoPort
    from sorter_firmware_bridge.tap import Seen, Tap

    console = Console(soft_wrap=True)

    def show(seen: Seen) -> None:
        arrow = "[cyan]>[/]" if seen.down else "[green]<[/]"
        console.print(f"{seen.at_s:9.3f} {arrow} {escape(seen.text)}", highlight=False)

    with PseudoPort(link) as app_end, _stoppable() as stopped:
        tap = Tap(app_end, SerialTransport(port, baud))

        def step() -> list[Seen]:
            try:
                return tap.step()
            except OSError as error:
                raise MachineLost(f"{port} is gone ({error}); check the cable") from error

        if own:
            _watch_alone(link, baud, step, show, stopped)
            return
        typer.echo(f"{port} is held; give the app this port instead: {link}  (Ctrl-C ends it)")
        while not stopped():
            for seen in step():
                show(seen)


@app.command()
def simulate(
    machine: MachineOption = None,
    link: Annotated[
        Path, typer.Option("--link", metavar="PATH", help="What the port is called.")
    ] = Path("/tmp/bricksight-machine"),
    drop_after: Annotated[
        float | None,
        typer.Option("--drop-after", min=0, max=60, help="Seconds until a drop sensor sees it."),
    ] = None,
) -> None:
    """A simulated machine at a port of its own, for whatever speaks sbp/1. Ctrl-C ends it."""
    from sorter_firmware_bridge.firmware.table import SHIPPED, read_table
    from sorter_firmware_bridge.pseudo_port import PseudoPort
    from sorter_firmware_bridge.simulate import Simulation, machine_of

    table = read_table(machine or SHIPPED)
    bins = [output.bin for output in table.output]
    with PseudoPort(link) as port, _stoppable() as stopped:
        simulation = Simulation(machine_of(table), port, drop_after)
        typer.echo(
            f"A machine with bins {', '.join(map(str, bins))} is at {link}  (Ctrl-C ends it)"
        )
        typer.echo(f'edge.toml: driver = "framed", settings = {{ port = "{link}" }}')
        while not stopped():
            for edge in simulation.step():
                what = "on" if edge.on else "off"
                typer.echo(f"{edge.at_us / 1e6:9.3f} s  bin {bins[edge.output]} {what}")


@firmware_app.command("build")
def firmware_build(machine: MachineOption = None, out: OutOption = Path("firmware-build")) -> None:
    """Compile the firmware with Debian's gcc-avr and arduino-core-avr."""
    from sorter_firmware_bridge.firmware.build import build
    from sorter_firmware_bridge.firmware.table import SHIPPED, read_table

    source = machine or SHIPPED
    with Console(stderr=True).status("compiling"):
        built = build(read_table(source), out)
    typer.echo(f"{built.hex}: {built.flash_bytes} bytes of flash, {built.ram_bytes} bytes of RAM")
    if machine is None:
        typer.echo(f"from the shipped table; copy it for your machine: {SHIPPED}")


@firmware_app.command("flash")
def firmware_flash(
    port: Annotated[str, typer.Argument(help="For example /dev/ttyACM0.")],
    machine: MachineOption = None,
    out: OutOption = Path("firmware-build"),
) -> None:
    """Put firmware.hex onto the board with avrdude."""
    from sorter_firmware_bridge.firmware.build import flash
    from sorter_firmware_bridge.firmware.table import SHIPPED, read_table

    table = read_table(machine or SHIPPED)
    with Console(stderr=True).status(f"flashing {port}"):
        flash(out / "firmware.hex", port, table)
    typer.echo(f"{port} has it; now: bricksight-bridge doctor {port} --baud {table.baud}")


def _choose_port(console: Console, named: str | None) -> str:
    try:
        ports = list_ports()
    except ImportError as error:
        raise DriverMissing(f"pyserial is missing ({error}): pip install pyserial") from error
    _print_ports(console, ports)
    if named is not None:
        return named
    likely = [port for port in ports if port.likely]
    if len(likely) != 1:
        raise MachineUnavailable(
            f"{len(likely)} ports look like a board; name the one to look at: "
            "bricksight-bridge doctor /dev/ttyACM0"
        )
    return likely[0].stable


def _print_ports(console: Console, ports: list[Port]) -> None:
    table = Table(title="serial ports")
    for column in ("port", "USB says", "may this user?"):
        table.add_column(column, overflow="fold")
    for port in ports:
        may = f"[red]{escape(port.problem)}[/]" if port.problem else "[green]yes[/]"
        table.add_row(escape(port.stable), escape(port.description or "not USB"), may)
    if ports:
        console.print(table)
    else:
        console.print("There is no serial port; is the board plugged in?")


def _ask_machine(port: str, baud: int) -> MachineFacts:
    """What bins the machine at a port declares; opens no session."""
    from sorter_firmware_bridge.drivers.framed import SerialTransport

    link = Link(SerialTransport(port, baud))
    try:
        greeting = link.hello()
    except MachineError as error:
        raise type(error)(f"{port} at {baud} baud: {error}") from error
    finally:
        link.close()
    bins = tuple(Bin(number, f"bin {number}") for number in greeting.bins)
    return MachineFacts("framed", {"port": port, "baud": baud}, bins)


def _try_everything(
    console: Console, look: Doctor, bins: tuple[Bin, ...], yes: bool
) -> list[Finding]:
    console.print("[bold]Hands off the machine from here on.[/]")
    findings = []
    for bin_ in bins:
        if yes or typer.confirm(f"Move {bin_} once?"):
            finding = look.try_bin(bin_)
            if finding.ok and not yes and not typer.confirm(f"  {finding.found}. Did it move?"):
                finding = Finding(finding.what, False, "told as fired, and nothing moved")
            findings.append(finding)
    if yes or typer.confirm("Arm it and fall silent, to try its watchdog?"):
        with Console(stderr=True).status("silent"):
            findings.append(look.watchdog())
    _print(console, "tried", findings)
    return findings


def _print(console: Console, title: str, findings: list[Finding]) -> None:
    table = Table(title=title)
    for column in ("what", "", "found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]wrong[/]"
        table.add_row(escape(finding.what), mark, escape(finding.found))
    console.print(table)


def _watch_alone(path: Path, baud: int, step, show, stopped) -> None:  # type: ignore[no-untyped-def]
    import threading

    from sorter_firmware_bridge.drivers.framed import SerialTransport

    problem: list[MachineError] = []
    done = threading.Event()

    def ask() -> None:
        try:
            with closing(Link(SerialTransport(str(path), baud))) as link:
                link.open()
                while not done.wait(OWN_POLL_S):
                    link.poll(alive=False)
        except MachineError as error:
            problem.append(error)

    asking = threading.Thread(target=ask, name="asking")
    asking.start()
    try:
        while asking.is_alive() and not stopped():
            for seen in step():
                show(seen)
    finally:
        done.set()
        asking.join()
    if problem and not stopped():
        raise problem[0]


@contextmanager
def _stoppable() -> Iterator["_Stopped"]:
    """Whatever is to end the program ends a loop between two of its steps."""
    stopped = _Stopped()
    with _handling(stopped.note):
        yield stopped


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Whatever is to end the program does so as Ctrl-C does, so that the machine is made safe; who
    presses it again does not interrupt that."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _handling(interrupt):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDINGS}
    for number, known in before.items():
        # Under nohup the closing of the terminal is no reason to end.
        if known is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


class _Stopped:
    def __init__(self) -> None:
        self._stopped = False

    def __call__(self) -> bool:
        return self._stopped

    def note(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True


def main() -> None:
    """Entry point; errors of ours are one message, not a trace."""
    try:
        app()
    except BridgeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)

"""PROTOCOL.md is what both sides do: its frames, its drawing, its vectors."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from sbp_machines import BOOT_US, Avr, Edge, Machine, boot

import sorter_firmware_bridge
from sorter_firmware_bridge import link, protocol
from sorter_firmware_bridge.frames import Frame, FrameReader, crc16, encode, stuff
from sorter_firmware_bridge.protocol import read_greeting, read_status

DOCUMENT = (Path(sorter_firmware_bridge.__file__).parent / "PROTOCOL.md").read_text()
CLOCK_TOLERANCE_US = 15_000
EDGE_TOLERANCE_US = 4_000
AFTER_US = 100_000


@dataclass(frozen=True, slots=True)
class Step:
    at_us: int
    what: str
    bytes: bytes = b""
    bin: int = 0


def _vectors() -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    name = ""
    for line in DOCUMENT.splitlines():
        if title := re.fullmatch(r"    vector (.+)", line):
            name = title[1]
            found[name] = []
        elif step := re.fullmatch(r"    @(\d+) ([<>]) ([0-9a-f ]+)", line):
            found[name].append(Step(int(step[1]), step[2], bytes.fromhex(step[3])))
        elif step := re.fullmatch(r"    @(\d+) (on|off) (\d+)", line):
            found[name].append(Step(int(step[1]), step[2], bin=int(step[3])))
    return found


VECTORS = _vectors()


def test_the_document_holds_vectors() -> None:
    assert len(VECTORS) >= 7
    assert all({step.what for step in steps} >= {"<", ">"} for steps in VECTORS.values())


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("kind", ["twin", "native"])
def test_a_vector_to_the_byte(kind: str, name: str) -> None:
    machine = boot(kind)
    for step in VECTORS[name]:
        if step.what == ">":
            machine.run(step.at_us)
            machine.put(step.bytes)
        elif step.what == "<":
            assert machine.get().hex(" ") == step.bytes.hex(" ")
    machine.run(machine.now_us + AFTER_US)
    expected = [
        Edge(s.bin, s.what == "on", s.at_us) for s in VECTORS[name] if s.what in ("on", "off")
    ]
    assert machine.edges() == expected


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_on_the_arduino_but_for_its_clock(name: str) -> None:
    machine = boot("avr")
    assert isinstance(machine, Avr)
    answers, expected = _played(machine, VECTORS[name])
    assert len(answers) == len(expected)
    for answer, right in zip(answers, expected, strict=True):
        assert (answer.type, answer.session, answer.seq) == (right.type, right.session, right.seq)
        if answer.type == protocol.Kind.HELLO | protocol.ANSWER_BIT:
            _like(read_greeting(answer.payload), read_greeting(right.payload))
        else:
            _like(read_status(answer.payload), read_status(right.payload))
    edges = [(edge.bin, edge.on) for edge in machine.edges()]
    wanted = [step for step in VECTORS[name] if step.what in ("on", "off")]
    assert edges == [(step.bin, step.what == "on") for step in wanted]
    for (one, two), (before, after) in zip(
        pairwise(machine.edges()), pairwise(wanted), strict=True
    ):
        off_us = (two.at_us - one.at_us) - (after.at_us - before.at_us)
        assert abs(off_us) <= EDGE_TOLERANCE_US


def _played(machine: Machine, steps: list[Step]) -> tuple[list[Frame], list[Frame]]:
    reader, answers, expected = FrameReader(), [], []
    for step in steps:
        if step.what == ">":
            machine.run(step.at_us)
            answers += reader.feed(machine.get())
            machine.put(step.bytes)
        elif step.what == "<":
            expected += FrameReader().feed(step.bytes)
    machine.run(machine.now_us + AFTER_US)
    return answers + reader.feed(machine.get()), expected


def _like(found: object, right: object) -> None:
    for name in type(right).__dataclass_fields__:  # type: ignore[attr-defined]
        one, other = getattr(found, name), getattr(right, name)
        if name == "clock_us":
            assert abs(one - other) <= CLOCK_TOLERANCE_US
        elif name == "events":
            assert len(one) == len(other)
            for event, wanted in zip(one, other, strict=True):
                _like(event, wanted)
        else:
            assert one == other, name


def test_the_frames_of_the_document() -> None:
    rows = re.findall(r"\| (01 [0-9a-fA-F ]+?) +\| ((?:[0-9A-F]{2} ?)+)$", DOCUMENT, re.MULTILINE)
    assert len(rows) == 3
    for fields, wire in rows:
        raw = bytes.fromhex(fields)
        coded = stuff(raw + crc16(raw).to_bytes(2, "big"))
        assert b"\0" + coded + b"\0" == bytes.fromhex(wire)
        (frame,) = FrameReader().feed(bytes.fromhex(wire))
        assert encode(frame) == bytes.fromhex(wire)


@pytest.mark.parametrize("text", [DOCUMENT, link.__doc__ or ""])
def test_the_states_of_the_link_are_those_of_the_code(text: str) -> None:
    drawn = re.findall(r"^\s*([A-Z]+) +--(\w+)--> +([A-Z]+)$", text, re.MULTILINE)
    coded = [(a.name, e.value, b.name) for (a, e), b in link.TRANSITIONS.items()]
    assert sorted(drawn) == sorted(coded)


def test_the_drawing_names_every_state_and_event() -> None:
    drawing = DOCUMENT.split("LOST     --close-->      CLOSED")[1].split("```")[0]
    for state in link.LinkState:
        assert state.name in drawing
    for event in link.LinkEvent:
        assert event.value in drawing


@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        ("results", protocol.Result),
        ("modes", protocol.Mode),
        ("causes", protocol.Why),
        ("events", protocol.EventKind),
    ],
)
def test_the_numbers_of_the_document_are_those_of_the_code(row: str, numbers: type) -> None:
    (line,) = re.findall(rf"^\| {row} \| (.+) \|$", DOCUMENT, re.MULTILINE)
    told = [int(number) for number in re.findall(r"(?:^|, )(\d+) ", re.sub(r"\(.*?\)", "", line))]
    assert told == [int(number) for number in numbers]  # type: ignore[attr-defined]


def test_the_questions_of_the_document_are_those_of_the_code() -> None:
    told = re.findall(r"^\| (\d\d) \| ([A-Z]+) \|", DOCUMENT, re.MULTILINE)
    assert told == [(f"{kind:02x}", kind.name) for kind in protocol.Kind]


def test_an_arduino_boots_before_the_first_step() -> None:
    first = min(step.at_us for steps in VECTORS.values() for step in steps)
    assert first > BOOT_US

"""The model card as headings, paragraphs, lists and tables.

As much of Markdown as cards use. All else stays the text it is; the template escapes every part,
and a link is only its words.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

MAX_BLOCKS = 500
MAX_LEVEL = 4
FIRST_LEVEL = 3
"""The panel around it is of level 2."""

_SPAN = re.compile(
    r"\*\*(?P<strong>[^*]+)\*\*|(?<![*\w])\*(?P<em>[^*\s][^*]*)\*(?!\w)|`(?P<code>[^`]+)`"
    r"|\[(?P<link>[^\]]+)\]\([^)\s]*\)"
)
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_ITEM = re.compile(r"\s{0,3}(?:[-*+]|\d{1,3}[.)])\s+(.*)$")
_RULE = re.compile(r"\s*\|?\s*:?-{3,}[-:|\s]*$")
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text; `kind` is "", "strong", "em", "code" or "link"."""

    kind: str
    text: str


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a card.

    Attributes:
        kind: What it is.
        level: Of a heading.
        lines: The heading or paragraph, each item of a list, or the code.
        rows: Of a table, the first one its head.
    """

    kind: Literal["heading", "paragraph", "list", "table", "code"]
    level: int = 0
    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[Line, ...], ...] = ()


def blocks_of(text: str) -> tuple[Block, ...]:
    """The parts of a card, `MAX_BLOCKS` at most; levels of headings follow each other."""
    found: list[Block] = []
    before = FIRST_LEVEL - 1
    for block in _blocks(text.splitlines()):
        if len(found) == MAX_BLOCKS:
            break
        if block.kind == "heading":
            before = min(block.level + FIRST_LEVEL - 1, before + 1, MAX_LEVEL)
            block = Block("heading", before, block.lines)
        found.append(block)
    return tuple(found)


def spans_of(text: str) -> Line:
    """A line with what is strong, emphasised or code in it."""
    spans, end = [], 0
    for match in _SPAN.finditer(text):
        if match.start() > end:
            spans.append(Span("", text[end : match.start()]))
        kind = match.lastgroup or ""
        spans.append(Span(kind, match[kind]))
        end = match.end()
    if end < len(text):
        spans.append(Span("", text[end:]))
    return tuple(spans)


def _blocks(lines: list[str]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif heading := _HEADING.match(line):
            yield Block("heading", len(heading[1]), (spans_of(heading[2]),))
            at += 1
        elif line.startswith(_FENCE):
            end = _until(lines, at + 1, lambda text: text.startswith(_FENCE))
            yield Block("code", lines=tuple((Span("", text),) for text in lines[at + 1 : end]))
            at = end + 1
        elif "|" in line and at + 1 < len(lines) and _RULE.match(lines[at + 1]):
            end = _until(lines, at + 2, lambda text: "|" not in text)
            rows = (_cells(text) for text in (line, *lines[at + 2 : end]))
            yield Block("table", rows=tuple(rows))
            at = end
        else:
            end = _until(lines, at + 1, _begins_another)
            yield _text(lines[at:end])
            at = end


def _until(lines: list[str], begin: int, ends: Callable[[str], bool]) -> int:
    return next((i for i in range(begin, len(lines)) if ends(lines[i])), len(lines))


def _begins_another(line: str) -> bool:
    return not line.strip() or bool(_HEADING.match(line)) or line.startswith(_FENCE)


def _text(lines: list[str]) -> Block:
    if not _ITEM.match(lines[0]):
        return Block("paragraph", lines=(spans_of(" ".join(line.strip() for line in lines)),))
    items: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if item:
            items.append(item[1])
        else:
            items[-1] += f" {line.strip()}"
    return Block("list", lines=tuple(map(spans_of, items)))


def _cells(line: str) -> tuple[Line, ...]:
    return tuple(spans_of(cell.strip()) for cell in line.strip().strip("|").split("|"))

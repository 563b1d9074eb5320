"""The model card as parts of a page."""

from hypothesis import given
from hypothesis import strategies as st

from edge.dashboard.model.markdown import MAX_BLOCKS, Block, Span, blocks_of, spans_of


def text_of(block: Block) -> list[str]:
    return ["".join(span.text for span in line) for line in block.lines]


def test_a_card_becomes_its_parts() -> None:
    card = (
        "# best\n\nTwo lines\nare one.\n\n## How\n- one\n  goes on\n- **two**\n\n"
        "| a | b |\n|---|--:|\n| 1 | |\n\n```\n# code\n```\nend"
    )
    found = blocks_of(card)
    assert [block.kind for block in found] == [
        "heading",
        "paragraph",
        "heading",
        "list",
        "table",
        "code",
        "paragraph",
    ]
    assert [block.level for block in found if block.kind == "heading"] == [3, 4]
    assert text_of(found[1]) == ["Two lines are one."]
    assert text_of(found[3]) == ["one goes on", "two"]
    assert found[4].rows == (
        ((Span("", "a"),), (Span("", "b"),)),
        ((Span("", "1"),), ()),
    )
    assert text_of(found[5]) == ["# code"]


def test_levels_of_headings_skip_none() -> None:
    found = blocks_of("### deep\n\n# top\n\n###### deepest")
    assert [block.level for block in found] == [3, 3, 4]


def test_spans_of_a_line() -> None:
    assert spans_of("a **b** `c*` *d* [e](http://f) 2*3*4") == (
        Span("", "a "),
        Span("strong", "b"),
        Span("", " "),
        Span("code", "c*"),
        Span("", " "),
        Span("em", "d"),
        Span("", " "),
        Span("link", "e"),
        Span("", " 2*3*4"),
    )


@given(st.text(alphabet="#*`|-[]() \nab1.", max_size=200))
def test_any_text_becomes_something_and_no_heading_leaves_its_levels(text: str) -> None:
    for block in blocks_of(text):
        assert block.kind != "heading" or block.level in (3, 4)


def test_an_endless_card_is_bounded() -> None:
    assert len(blocks_of("# a\n" * 5000)) == MAX_BLOCKS

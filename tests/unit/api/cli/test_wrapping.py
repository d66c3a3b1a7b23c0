"""Lines of a sentence: whole numbers with what they count, in 20 to 40 columns of a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from api.cli.wrapping import wrapped

TEXTS = st.text(st.sampled_from("ab 1 第张卡年（），。x-:"), max_size=80)


def lines(text: str, width: int) -> list[str]:
    return [line.plain for line in wrapped(Text(text), width)]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("空闲资源还差 8 张卡", 16, ["空闲资源还差", "8 张卡"]),
        ("由少到多排第 1", 13, ["由少到多排", "第 1"]),
        ("最多占用 1.26 P·时", 16, ["最多占用", "1.26 P·时"]),
        ("预计 2026-11-27 16:10:51 启动", 26, ["预计", "2026-11-27 16:10:51 启动"]),
        ("排队（为作业保留）", 6, ["排队", "（为作", "业保", "留）"]),
        ("今天，明天", 4, ["今", "天，", "明天"]),
        ("at 2026-11-27 16:10 in x", 18, ["at", "2026-11-27 16:10", "in x"]),
        ("it costs 12.00 yuan now", 14, ["it costs", "12.00 yuan now"]),
        ("wait for 5 cards", 12, ["wait for", "5 cards"]),
        ("try again in 5 s now", 15, ["try again in", "5 s now"]),
        ("of 2026 and later", 8, ["of 2026", "and", "later"]),
        ("one\n\ntwo three", 8, ["one", "", "two", "three"]),
        ("a-word-of-more-columns b", 10, ["a-word-of-", "more-colum", "ns b"]),
        ("", 10, [""]),
    ],
)
def test_a_line_ends_where_a_reader_would_pause(text: str, width: int, expected: list[str]) -> None:
    assert lines(text, width) == expected


@given(text=TEXTS, width=st.integers(4, 30))
def test_nothing_is_lost_and_no_line_is_wider(text: str, width: int) -> None:
    found = lines(text, width)

    assert "".join("".join(found).split()) == "".join(text.split())
    assert max(map(cell_len, found)) <= width


def test_styles_stay_where_they_were() -> None:
    first, second = wrapped(Text.from_markup("one [bold]two three[/]"), 8)

    assert (first.markup, second.markup) == ("one [bold]two[/bold]", "[bold]three[/bold]")

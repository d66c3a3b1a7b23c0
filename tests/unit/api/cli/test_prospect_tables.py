"""What a job would meet, and where it stands, as a terminal shows it."""

import pytest
from rich.cells import cell_len

from api.cli.job_tables import print_explanation
from api.cli.prospect_tables import print_alternatives, print_quote, print_standing
from api.cli.terminal import console, say
from api.examples.answers import ANSWERS
from api.schemas.quotes import (
    Alternatives,
    Explanation,
    QueueStanding,
    Quote,
    SlipCause,
    StartSlip,
)


def test_a_quote_fits_a_terminal_and_says_now_where_it_is_now(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quote = Quote.model_validate(ANSWERS["quote"])
    (waits,) = quote.options
    now = waits.model_copy(update={"pool": "lsl-910b3", "reasons": []})
    unknown = waits.model_copy(update={"start_ms": None, "cost": None})

    print_quote(quote.model_copy(update={"options": [now, waits, unknown]}))

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines[3:6]] == [
        ["lsl-910b3", "now"],
        ["qdaicc-910b3", "11-25"],
        ["qdaicc-910b3", "-"],
    ]
    assert "    • needs 8 cards in qdaicc-910b3: 2 free, 6 short" in lines
    assert lines[-1].strip() == f"until 18:11:31: brain submit --quote {quote.id}"


def test_a_quote_says_how_long_data_takes_where_it_has_to_come(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quote = Quote.model_validate(ANSWERS["quote"])
    (far,) = (option.model_copy(update={"transfer_ms": 726_000}) for option in quote.options)
    near = far.model_copy(update={"transfer_ms": 0, "reasons": []})

    print_quote(quote.model_copy(update={"options": [near, far]}))

    head, near_line, far_line = capsys.readouterr().out.splitlines()[2:5]
    assert "data takes" in head
    assert near_line.split()[1:3] == ["now", "-"]
    assert " 12m6s " in far_line


def test_a_quote_says_when_it_ends_and_whom_it_stops(capsys: pytest.CaptureFixture[str]) -> None:
    quote = Quote.model_validate(ANSWERS["quote"])
    (option,) = quote.options
    stops = {"stops": 3, "stops_own": ["j7"], "stops_others": {"standard": 2}}
    ends = {"likely_end_ms": 1_795_620_000_000, "end_ms": 1_795_630_000_000}
    changed = option.model_copy(update=stops | ends | {"is_borrowing": True})

    print_quote(quote.model_copy(update={"options": [changed]}))

    lines = capsys.readouterr().out.splitlines()
    assert "likely over at most until cost, yuan stops" in " ".join(lines[2].split())
    assert "11-25 23:20 11-26 02:06" in " ".join(lines[3].split())
    assert lines[3].split()[-1] == "3"
    assert "  • qdaicc-910b3: it would stop j7, 2 x standard" in lines
    assert any("on borrowed cards" in line for line in lines)


def test_what_is_in_the_way_in_several_pools_is_told_once_with_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    standing = QueueStanding.model_validate(ANSWERS["standing"])
    (use,) = standing.pools
    (busy,) = use.reasons
    quota = busy.model_copy(update={"where": "t03", "text": "tenant t03 is short"})
    cap = busy.model_copy(update={"where": "coast", "text": "coast is short of npu"})
    first = use.model_copy(update={"reasons": [quota, cap, busy]})
    second = use.model_copy(update={"pool": "hzx", "reasons": [quota, cap]})
    third = use.model_copy(update={"pool": "lsl", "reasons": [quota]})

    print_standing(standing.model_copy(update={"pools": [first, second, third]}))

    assert capsys.readouterr().out.splitlines()[-4:] == [
        "  all that is in its way:",
        "    • everywhere: tenant t03 is short",
        "    • qdaicc-910b3, hzx: coast is short of npu",
        f"    • {busy.text}",
    ]


def test_a_standing_is_told_with_its_terms_and_who_holds_what(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_standing(QueueStanding.model_validate(ANSWERS["standing"]))

    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "  of 42 that wait it is 3; ahead of it: 1 of yours, 1 of others",
        "  its turn, the first that differs decides:",
        "    • it is within its tenant's nominal quota",
        "    • its priority is normal",
    ]
    assert lines[4].split()[:5] == ["pool", "devices", "free", "yours", "others"]
    assert lines[5].split() == ["qdaicc-910b3", "8", "4", "1", "standard", "3"]
    assert lines[6:] == [
        "  all that is in its way:",
        "    • needs 8 cards in qdaicc-910b3: 2 free, 6 short",
    ]
    assert max(map(len, lines)) <= 80


def test_alternatives_are_told_a_line_each_and_none_where_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Alternatives.model_validate(ANSWERS["alternatives"])

    print_alternatives(found)
    print_alternatives(found.model_copy(update={"items": []}))

    assert capsys.readouterr().out.splitlines() == [
        "  it would start sooner with:",
        "    • 2 cards instead of 8: now in qdaicc-910b3, 28.00 yuan",
    ]


def explained(capsys: pytest.CaptureFixture[str], **changes: object) -> list[str]:
    """What `brain why` says of a job that waits."""
    explanation = Explanation.model_validate(ANSWERS["explain"]).model_copy(update=changes)
    print_explanation(explanation)
    if explanation.standing:
        print_standing(explanation.standing)
    return capsys.readouterr().out.splitlines()


def test_of_who_waits_each_fact_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = explained(capsys, earlier="Attempt 1 in lsl ended because a node failed")

    told = "\n".join(lines)
    assert "  Attempt 1 in lsl ended because a node failed" in lines
    for once in ("it is 3", "place", "22:06:31", "8 cards in qdaicc", "queued"):
        assert told.count(once) == (once != "place"), once


def test_who_is_in_no_queue_is_told_by_a_sentence_that_fits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, *lines = explained(capsys, standing=None)

    assert head == ANSWERS["explain"]["job_id"]
    assert " ".join(line.strip() for line in lines) == ANSWERS["explain"]["summary"]
    assert len(lines) == 2
    assert all(line.startswith("  ") and len(line) <= 80 for line in lines)


def test_a_sentence_goes_on_below_where_it_began(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_width", 20)

    say("在 [bold]hzx-910b3[/] 需要 8 张卡：空闲 0 张卡，还差 8 张卡", "  [green]•[/] ")

    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("  • 在 hzx-910b3")
    assert others
    assert all(line.startswith("    ") and line[4] != " " for line in others)
    assert max(cell_len(line) for line in (first, *others)) <= 20


@pytest.mark.parametrize("is_known", [True, False])
def test_that_its_start_slides_is_told_with_each_cause(
    is_known: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    explained = Explanation.model_validate(ANSWERS["explain"])
    cause = SlipCause(code="overstayed", count=1, yours=0, cards=8, text="runs on", text_zh="")
    slip = StartSlip(
        told_at_ms=1,
        told_start_ms=2,
        told_pool="p",
        start_ms=3,
        causes=[cause] if is_known else None,
        text="told first, and now",
        text_zh="",
    )

    print_explanation(explained.model_copy(update={"slip": slip}))

    lines = capsys.readouterr().out.splitlines()
    causes = ["  • runs on"] if is_known else []
    assert lines[-1 - len(causes) :] == ["  told first, and now", *causes]

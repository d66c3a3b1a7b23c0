"""What may be said about a closed statement, and after what."""

from dataclasses import replace

import pytest

from accounting.bills.replies import Reply, ReplyKind, ReplyRefused, check

CONFIRMED, DISPUTED, RESOLVED, ACCEPTED, REJECTED = ReplyKind
REPLY = Reply(
    tenant_id="steel",
    month="2026-10",
    number=1,
    kind=DISPUTED,
    sha256="a" * 64,
    reason="two hours are wrong",
    lines=(),
    by="steel (1)",
    at_ms=0,
)


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (None, CONFIRMED),
        (None, DISPUTED),
        (DISPUTED, RESOLVED),
        (DISPUTED, CONFIRMED),
        (RESOLVED, CONFIRMED),
        (RESOLVED, DISPUTED),
        (DISPUTED, ACCEPTED),
        (DISPUTED, REJECTED),
        (ACCEPTED, CONFIRMED),
        (REJECTED, DISPUTED),
    ],
)
def test_a_word_follows_the_last(last: ReplyKind | None, kind: ReplyKind) -> None:
    earlier = [replace(REPLY, kind=last)] if last else []

    check(replace(REPLY, kind=kind), earlier, 3)


@pytest.mark.parametrize(
    ("last", "kind", "why"),
    [
        (None, RESOLVED, "is not disputed: it cannot be resolved"),
        (CONFIRMED, DISPUTED, "is confirmed already: it cannot be disputed"),
        (CONFIRMED, RESOLVED, "is confirmed already"),
        (CONFIRMED, CONFIRMED, "is confirmed already"),
        (DISPUTED, DISPUTED, "is disputed already"),
        (RESOLVED, RESOLVED, "is resolved already"),
        (REJECTED, ACCEPTED, "is rejected already: it cannot be accepted"),
        (None, REJECTED, "is not disputed: it cannot be rejected"),
    ],
)
def test_a_word_that_does_not_follow_is_refused(
    last: ReplyKind | None, kind: ReplyKind, why: str
) -> None:
    earlier = [replace(REPLY, kind=last)] if last else []

    with pytest.raises(ReplyRefused, match=why):
        check(replace(REPLY, kind=kind), earlier, 3)


@pytest.mark.parametrize("lines", [(0,), (4,), (1, 99)])
def test_a_dispute_names_lines_that_are_there(lines: tuple[int, ...]) -> None:
    check(replace(REPLY, lines=(1, 3)), [], 3)

    with pytest.raises(ReplyRefused, match="ends with line 3: it has no line"):
        check(replace(REPLY, lines=lines), [], 3)


@pytest.mark.parametrize(("kind", "last"), [(DISPUTED, None), (RESOLVED, DISPUTED)])
def test_who_disputes_or_resolves_says_why(kind: ReplyKind, last: ReplyKind | None) -> None:
    earlier = [replace(REPLY, kind=last)] if last else []

    with pytest.raises(ReplyRefused, match=f"say why it is {kind}"):
        check(replace(REPLY, kind=kind, reason=""), earlier, 3)

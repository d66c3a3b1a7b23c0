"""How output comes to the broker: what is sent, and when it is done."""

import pytest

from cluster import shipping as module
from cluster.member import LogChunk
from cluster.shipping import Shipping, batches, shipped
from cluster.wire import LogKept, LogsKept, LogsShipped


def chunk(
    rank: int = 0, offset: int = 0, data: bytes = b"abc", *, is_last: bool = False
) -> LogChunk:
    return LogChunk(attempt_id="j.1", rank=rank, offset=offset, data=data, is_last=is_last)


def kept(offset: int, *, is_full: bool = False) -> LogsKept:
    return LogsKept(logs=[LogKept(attempt_id="j.1", member=0, offset=offset, is_full=is_full)])


def test_the_broker_says_from_where_on_to_send() -> None:
    shipping = Shipping()

    done = shipping.note([chunk()], kept(700))

    assert shipping.offsets == {("j.1", 0): 700}
    assert done == set()


@pytest.mark.parametrize(
    ("sent", "answer", "is_done"),
    [
        (chunk(is_last=True), kept(3), True),
        (chunk(is_last=True), kept(2), False),
        (chunk(), kept(3), False),
        (chunk(), kept(3, is_full=True), True),
        (chunk(is_last=True), LogsKept(logs=[]), False),
    ],
)
def test_a_members_output_is_done_when_its_last_word_is_kept_or_no_more_will_be(
    sent: LogChunk, answer: LogsKept, *, is_done: bool
) -> None:
    shipping = Shipping()

    assert shipping.note([sent], answer) == ({"j.1"} if is_done else set())
    assert shipping.done == ({("j.1", 0)} if is_done else set())


def test_nothing_is_remembered_of_what_nobody_knows() -> None:
    shipping = Shipping()
    shipping.note([chunk(is_last=True)], kept(3))

    shipping.keep_only({"k.1"})

    assert (shipping.offsets, shipping.done) == ({}, set())


def test_chunks_are_sent_in_parts_that_the_broker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES_MAX", 6)
    chunks = [chunk(rank) for rank in range(5)]

    assert [len(batch) for batch in batches(chunks)] == [2, 2, 1]
    assert [one for batch in batches(chunks) for one in batch] == chunks
    assert list(batches([])) == []


def test_any_bytes_survive_the_way_to_the_broker() -> None:
    sent = shipped([chunk(data=bytes(range(256)))])

    assert LogsShipped.model_validate_json(sent.model_dump_json()) == sent


def test_the_broker_is_told_which_output_is_a_members_last() -> None:
    sent = shipped([chunk(0), chunk(1, is_last=True), chunk(2, data=b"", is_last=True)])

    assert [one.is_last for one in sent.chunks] == [False, True, True]

"""The feed tells what was committed, to whoever waits, whatever becomes of the connection."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, insert, text

from api.feed import CHANNEL, KEPT_EVENTS, Feed
from scheduler.storage.tables import EventRow


@pytest.fixture
def feed(database: Engine) -> Iterator[Feed]:
    commit(database, 1, 2)
    feed = Feed(database)
    feed.start()
    yield feed
    feed.stop()


def commit(database: Engine, first: int, last: int) -> None:
    """Write events as the leader does, with the news of them in the same transaction."""
    rows = [
        {
            "seq": seq,
            "epoch": 1,
            "kind": "started",
            "tenant_id": "steel",
            "job_id": "j1",
            "at_ms": seq,
            "recorded_at_ms": seq,
            "body": {"kind": "started"},
        }
        for seq in range(first, last + 1)
    ]
    with database.begin() as connection:
        connection.execute(insert(EventRow), rows)
        connection.execute(text(f"NOTIFY {CHANNEL}, '{last}'"))


def seqs(feed: Feed, after: int) -> list[int] | None:
    events = feed.after(after)
    return None if events is None else [event.seq for event in events]


def await_seq(feed: Feed, seq: int) -> None:
    for _ in range(100):
        turn = feed.turn()
        if feed.last_seq >= seq:
            return
        feed.wait(turn, 0.1)
    raise AssertionError(f"event {seq} was not told")


def test_what_is_committed_is_told_in_order(feed: Feed, database: Engine) -> None:
    commit(database, 3, 5)
    await_seq(feed, 5)

    assert seqs(feed, 2) == [3, 4, 5]
    assert seqs(feed, 4) == [5]
    assert seqs(feed, 5) == []
    assert seqs(feed, 99) == []


def test_what_was_before_the_start_is_not_kept(feed: Feed, database: Engine) -> None:
    assert seqs(feed, 0) is None
    commit(database, 3, 3)
    await_seq(feed, 3)

    assert seqs(feed, 1) is None
    assert seqs(feed, 2) == [3]


def test_only_the_newest_are_kept(feed: Feed, database: Engine) -> None:
    last = KEPT_EVENTS + 12
    commit(database, 3, last)
    await_seq(feed, last)

    assert seqs(feed, last - KEPT_EVENTS - 1) is None
    assert seqs(feed, last - KEPT_EVENTS) == list(range(last - KEPT_EVENTS + 1, last + 1))


def test_a_lost_connection_loses_no_event(feed: Feed, database: Engine) -> None:
    commit(database, 3, 3)
    await_seq(feed, 3)
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with database.connect() as connection:
        assert connection.scalars(others).all()
    commit(database, 4, 5)

    await_seq(feed, 5)

    assert seqs(feed, 2) == [3, 4, 5]


def test_who_waits_is_woken_by_news_and_by_the_end(feed: Feed, database: Engine) -> None:
    async def follow() -> list[str]:
        with feed.subscription() as news:
            assert feed.subscriber_count == 1
            await asyncio.to_thread(commit, database, 3, 3)
            while not seqs(feed, 2):
                await asyncio.wait_for(news.wait(), 10)
                news.clear()
            told = [str(seqs(feed, 2))]
            await asyncio.to_thread(feed.close)
            await asyncio.wait_for(news.wait(), 10)
            return [*told, str(feed.is_stopped)]

    assert asyncio.run(follow()) == ["[3]", "True"]
    assert feed.subscriber_count == 0

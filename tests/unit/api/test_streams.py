"""A stream is counted while it is open, and what it is made from is closed, whoever ends it."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.types import Message, Scope

from api.streams import OpenStreams, Stream

SCOPE: Scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}}


class Source:
    """What a stream is made from, and whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def lines(self) -> AsyncGenerator[str]:
        try:
            yield "one\n"
        finally:
            await asyncio.sleep(0)  # a connection takes a moment to give back
            self.is_closed = True


class Reader:
    """Reads all there is, or is gone while it is sent the first piece."""

    def __init__(self, streams: OpenStreams, *, is_patient: bool) -> None:
        self.streams = streams
        self.is_patient = is_patient
        self.counts: set[int] = set()
        self._is_gone = asyncio.Event()

    async def receive(self) -> Message:
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.counts.add(self.streams.count)
        if message.get("body") and not self.is_patient:
            self._is_gone.set()
            await asyncio.Event().wait()


async def is_closed_after(reader: Reader) -> bool:
    """Whether the source is closed at the very end of the answer, not some time later."""
    source = Source()
    content = source.lines()
    await Stream(content, reader.streams.admit("steel"))(SCOPE, reader.receive, reader.send)
    return source.is_closed


def test_a_stream_that_ends_is_closed_and_counted_no_more() -> None:
    streams = OpenStreams()
    reader = Reader(streams, is_patient=True)

    assert asyncio.run(is_closed_after(reader))
    assert reader.counts == {1}
    assert streams.count == 0


def test_a_stream_whose_reader_is_gone_is_closed_and_counted_no_more() -> None:
    streams = OpenStreams()
    reader = Reader(streams, is_patient=False)

    assert asyncio.run(is_closed_after(reader))
    assert reader.counts == {1}
    assert streams.count == 0

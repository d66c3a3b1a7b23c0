"""How the output of members comes to the broker: what is sent, and how far it has come."""

from collections.abc import Iterator

from cluster import wire
from cluster.member import LogChunk, MemberKey

BATCH_BYTES_MAX = 4 * 1024 * 1024


class Shipping:
    """How far each member's output has come to the broker, which knows it best."""

    def __init__(self) -> None:
        self.offsets: dict[MemberKey, int] = {}
        self.done: set[MemberKey] = set()

    def note(self, chunks: list[LogChunk], kept: wire.LogsKept) -> set[str]:
        """Take in the broker's answer to these chunks; the attempts of which something is done."""
        end_by_member = {(log.attempt_id, log.member): log for log in kept.logs}
        done = set()
        for chunk in chunks:
            key = (chunk.attempt_id, chunk.rank)
            log = end_by_member.get(key)
            if log is None:
                continue
            self.offsets[key] = log.offset
            if log.is_full or (chunk.is_last and log.offset >= chunk.offset + len(chunk.data)):
                done.add(key)
        self.done |= done
        return {attempt_id for attempt_id, _ in done}

    def keep_only(self, attempt_ids: set[str]) -> None:
        """Remember nothing of attempts that nobody knows any more."""
        self.offsets = {key: end for key, end in self.offsets.items() if key[0] in attempt_ids}
        self.done = {key for key in self.done if key[0] in attempt_ids}


def batches(chunks: list[LogChunk]) -> Iterator[list[LogChunk]]:
    """The chunks in parts that the broker takes at once."""
    batch: list[LogChunk] = []
    for chunk in chunks:
        byte_count = sum(len(one.data) for one in batch) + len(chunk.data)
        if batch and (byte_count > BATCH_BYTES_MAX or len(batch) == wire.CHUNKS_MAX):
            yield batch
            batch = []
        batch.append(chunk)
    if batch:
        yield batch


def shipped(chunks: list[LogChunk]) -> wire.LogsShipped:
    return wire.LogsShipped(
        chunks=[
            wire.Chunk(
                attempt_id=one.attempt_id,
                member=one.rank,
                offset=one.offset,
                data=one.data,
                is_last=one.is_last,
            )
            for one in chunks
        ]
    )

"""An evidence file: what proves a job or a line of a statement, as one archive that is sealed.

The same facts give the same bytes: no time and no chance is in it, and nothing is compressed, as
what a compressor writes depends on its version.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection

from accounting.chain import kinds
from accounting.proof import evidence as facts
from accounting.proof.evidence import Evidence
from api.evidence_check import FORMAT, SEAL
from scheduler.storage import queries
from scheduler.storage.queries import EventRecord

CHUNK_BYTES = 1 << 20
DATED = (1980, 1, 1, 0, 0, 0)
JOBS_MAX = 1_000
"""The events of so many jobs go along with a line; of more, none."""


class Archive:
    """Files that are written one after another, each with its checksum; the last bytes seal all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self.sums: dict[str, str] = {}

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        info = zipfile.ZipInfo(name, DATED)
        info.external_attr = 0o644 << 16
        info.create_system = 3
        with self._zip.open(info, "w", force_zip64=True) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
        self.sums[name] = digest.hexdigest()

    def seal(self) -> None:
        """Its end is the sha256 of all before it."""
        self._zip.comment = b"0" * SEAL
        self._zip.close()
        with self._path.open("r+b") as file:
            digest, left = hashlib.sha256(), self._path.stat().st_size - SEAL
            while left:
                chunk = file.read(min(left, CHUNK_BYTES))
                digest.update(chunk)
                left -= len(chunk)
            file.write(digest.hexdigest().encode())


def evidence_file(connection: Connection, evidence: Evidence, folder: Path) -> Path:
    """Write the file into a folder; raises `NoEvidence` where it would be too long.

    The connection must see one moment (REPEATABLE READ).
    """
    path = folder / "evidence.zip"
    archive = Archive(path)
    covering = facts.roots_over(connection, evidence.tenant_id, evidence.last)
    last = covering[0]["facts"] if covering else evidence.last
    list_ids: set[str] = set()
    archive.add("chain.txt", _chain(connection, evidence, last, list_ids))
    archive.add("prices.txt", facts.prices_of(connection, list_ids))
    papers = facts.papers_of(connection, evidence, list_ids)
    roots = facts.roots_over(connection, evidence.tenant_id, evidence.last, papers)
    archive.add("roots.json", [_json(roots)])
    if evidence.body is not None:
        archive.add("statement.json", [evidence.body])
    archive.add("events.jsonl", _events(connection, evidence))
    manifest = {
        "format": FORMAT,
        "tenant": evidence.tenant_id,
        "claim": evidence.claim,
        "names": {word: list(names) for word, names in kinds().items()},
        "files": archive.sums,
    }
    archive.add("manifest.json", [_json(manifest)])
    archive.seal()
    return path


def _chain(
    connection: Connection, evidence: Evidence, last: int, list_ids: set[str]
) -> Iterator[bytes]:
    """A line each: its number, its hash, what it says; notes which price lists slices name."""
    before = facts.hash_before(connection, evidence.tenant_id, evidence.first)
    yield f"{evidence.first - 1} {before.hex()}\n".encode()
    for stored in facts.facts_of(connection, evidence, last):
        if stored.said.startswith(b'["usage/1"'):
            list_ids.add(facts.price_list_of(stored))
        yield f"{stored.number} {stored.hash.hex()} ".encode() + stored.said + b"\n"


def _events(connection: Connection, evidence: Evidence) -> Iterator[bytes]:
    """What the log has about these jobs, in its order."""
    job_ids = sorted({job_of(one) for one in evidence.references})
    if len(job_ids) > JOBS_MAX:
        return
    for event in queries.events_of_jobs(connection, evidence.tenant_id, job_ids):
        yield _json(_told(event)) + b"\n"


def job_of(reference: str) -> str:
    """The job of an attempt, or of what a package covers of one (`ATTEMPT/PACKAGE`)."""
    return reference.partition("/")[0].rpartition(".")[0]


def _told(event: EventRecord) -> Mapping[str, object]:
    return {
        "seq": event.seq,
        "kind": event.kind,
        "at_ms": event.at_ms,
        "recorded_at_ms": event.recorded_at_ms,
        "body": event.body,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

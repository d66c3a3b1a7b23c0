"""Working directories over HTTP: whose they are, how much room they take, when they go."""

import gzip
import hashlib
import random

import pytest
from sqlalchemy import select, update

from api.routes import archives
from api.tables import ArchiveRow
from tests.acceptance.brokers import Served, job, problem_of, submitted


def test_an_archive_comes_back_byte_for_byte(park: Served) -> None:
    body = gzip.compress(random.Random(1).randbytes(3_000_000), mtime=0)
    digest = hashlib.sha256(body).hexdigest()

    first = park.steel.put(f"/v1/archives/{digest}", content=body)
    again = park.steel.put(f"/v1/archives/{digest}", content=body)
    other = park.fish.put(f"/v1/archives/{digest}", content=body)

    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 201]
    problem_of(park.poor.get(f"/v1/archives/{digest}"), 404)
    for client in (park.steel, park.fish, park.agent):
        assert client.get(f"/v1/archives/{digest}").content == body


def test_an_archive_that_is_not_what_it_says_is_refused(park: Served) -> None:
    body = gzip.compress(b"x", mtime=0)
    digest = hashlib.sha256(body).hexdigest()
    text = hashlib.sha256(b"text").hexdigest()

    assert (
        "sha256"
        in problem_of(park.steel.put(f"/v1/archives/{digest}", content=body + b"y"), 422)["detail"]
    )
    assert (
        "gzip" in problem_of(park.steel.put(f"/v1/archives/{text}", content=b"text"), 422)["detail"]
    )
    problem_of(park.agent.get(f"/v1/archives/{digest}"), 404)


def test_an_archive_with_its_job_brings_it_to_the_centre(park: Served) -> None:
    body = gzip.compress(b"work", mtime=0)
    digest = hashlib.sha256(body).hexdigest()
    problem_of(park.operator.post("/v1/jobs", json=job(tenant="fish", archive=digest)), 422)
    park.operator.put(f"/v1/archives/{digest}", content=body)

    accepted = park.operator.post("/v1/jobs", json=job(tenant="fish", archive=digest))

    assert accepted.status_code == 201
    assert accepted.json()["spec"]["archive"] == digest


def test_what_is_here_already_needs_no_more_room(
    park: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (gzip.compress(text, mtime=0) for text in (b"first", b"second"))
    digests = [hashlib.sha256(body).hexdigest() for body in (first, second)]
    assert park.poor.put(f"/v1/archives/{digests[0]}", content=first).status_code == 201
    monkeypatch.setattr(archives, "OWNER_BYTES_MAX", len(first))

    again = park.poor.put(f"/v1/archives/{digests[0]}", content=first)
    refused = park.poor.put(f"/v1/archives/{digests[1]}", content=second)

    assert again.status_code == 200
    assert "7 days after its last use" in problem_of(refused, 413)["detail"]
    assert park.poor.get(f"/v1/archives/{digests[1]}").status_code == 404
    monkeypatch.setattr(archives, "OWNER_BYTES_MAX", len(first) + len(second))
    assert park.poor.put(f"/v1/archives/{digests[1]}", content=second).status_code == 201


@pytest.mark.parametrize("use", ["upload", "submit"])
def test_an_archive_that_is_used_again_is_kept_as_if_it_were_new(park: Served, use: str) -> None:
    body = gzip.compress(use.encode(), mtime=0)
    digest = hashlib.sha256(body).hexdigest()
    park.steel.put(f"/v1/archives/{digest}", content=body)
    database = park.broker.services.database
    with database.begin() as connection:
        old = update(ArchiveRow).where(ArchiveRow.sha256 == digest).values(created_at_ms=1)
        connection.execute(old)

    if use == "upload":
        park.steel.put(f"/v1/archives/{digest}", content=body)
    else:
        submitted(park.steel, archive=digest)

    with database.connect() as connection:
        of_it = select(ArchiveRow.created_at_ms).where(ArchiveRow.sha256 == digest)
        assert (connection.scalar(of_it) or 0) > 1

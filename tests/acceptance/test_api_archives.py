"""Working directories over HTTP: whose they are, how much room they take, when they go."""

import gzip
import hashlib
import random

from tests.acceptance.brokers import Served, job, problem_of


def test_an_archive_comes_back_byte_for_byte(park: Served) -> None:
    body = gzip.compress(random.Random(1).randbytes(3_000_000), mtime=0)
    digest = hashlib.sha256(body).hexdigest()

    first = park.steel.put(f"/v1/archives/{digest}", content=body)
    again = park.steel.put(f"/v1/archives/{digest}", content=body)
    other = park.fish.put(f"/v1/archives/{digest}", content=body)

    assert [answer.status_code for answer in (first, again, other)] == [201, 200, 201]
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

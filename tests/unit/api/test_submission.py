"""A job is told as its user stated it."""

from dataclasses import replace

from api.schemas.jobs import JobSpec
from api.submission import spec_of
from scheduler.model.job import Checkpoint, Topology
from tests.builders import a_job


def test_a_job_is_told_in_the_words_of_a_job_file() -> None:
    job = a_job("j1", checkpoint=Checkpoint(dir="ckpt", signal="SIGUSR1", grace_ms=60_000))

    told = spec_of(job)

    again = JobSpec.model_validate_json(told.model_dump_json())
    assert again == told
    assert told.model_dump(mode="json")["checkpoint"] == {
        "dir": "ckpt",
        "signal": "SIGUSR1",
        "grace": "1m",
    }


def test_a_job_that_must_be_in_one_rack_is_told_so() -> None:
    told = spec_of(a_job("j1", topology=Topology.RACK))

    assert (told.topology, spec_of(a_job("j2")).topology) == ("rack", "pool")


def test_a_job_of_earlier_rules_is_told_all_the_same() -> None:
    job = replace(a_job("j1"), name="two\nlines", command="  ")

    assert (spec_of(job).name, spec_of(job).command) == ("two\nlines", "  ")

"""A job file becomes a job, or is refused by the names of its fields."""

from pathlib import Path

import pytest

from api.client.workdir import WorkdirInvalid, pack
from api.files.job_file import JobFileInvalid, prepare, read_job_file

JOB = """\
name: digits
command: python train.py --epochs 5
devices: 8
device: [ascend-910b3, hygon-k100-ai]
nodes: 1
limit: 1h30m
env: {KEY: value}
workdir: ./src
retries: 1
checkpoint: {dir: ckpt, signal: SIGUSR1, grace: 60s}
"""


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print(1)\n")
    path = tmp_path / "job.yaml"
    path.write_text(JOB)
    return path


def test_a_file_says_all_of_a_job(job_file: Path) -> None:
    job = prepare(read_job_file(job_file), job_file.parent).job

    assert job.command == "python train.py --epochs 5"
    assert job.devices == 8
    assert job.device == ["ascend-910b3", "hygon-k100-ai"]
    assert job.limit == 5_400_000
    assert job.env == {"KEY": "value"}
    assert job.checkpoint is not None
    assert job.checkpoint.grace == 60_000


def test_json_is_yaml(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{"command": "true", "devices": 1, "limit": "10m"}')

    assert prepare(read_job_file(path), tmp_path).job.limit == 600_000


def test_a_relative_workdir_is_packed_and_becomes_an_archive(job_file: Path) -> None:
    prepared = prepare(read_job_file(job_file), job_file.parent)

    assert prepared.packed == pack(job_file.parent / "src")
    assert prepared.job.archive == prepared.packed.sha256
    assert prepared.job.workdir is None


def test_an_absolute_workdir_is_the_centres_own(tmp_path: Path) -> None:
    prepared = prepare({"command": "true", "devices": 1, "workdir": "/data/set"}, tmp_path)

    assert prepared.packed is None
    assert prepared.job.workdir == "/data/set"


def test_a_workdir_may_lie_beside_the_file(job_file: Path) -> None:
    fields = {**read_job_file(job_file), "workdir": "../src"}

    prepared = prepare(fields, job_file.parent / "src")

    assert prepared.packed == pack(job_file.parent / "src")


def test_a_missing_workdir_is_named(job_file: Path) -> None:
    with pytest.raises(WorkdirInvalid, match="none: no such folder"):
        prepare({**read_job_file(job_file), "workdir": "none"}, job_file.parent)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({}, "command: Field required"),
        ({"command": ""}, "command: "),
        ({"devices": "8"}, "devices: a whole number is needed"),
        ({"devices": -1}, "devices: Input should be greater"),
        ({"devices": 10**30}, "devices: "),
        ({"limit": "long"}, "limit: 'long' is no duration"),
        ({"limit": "-4h"}, "limit: '-4h' is no duration"),
        ({"gpus": 8}, "gpus: Extra inputs are not permitted"),
        ({"device": "../../etc"}, "device: needs 1 to 64 letters"),
        ({"device": ["npu", "../../etc"]}, "device.1: needs 1 to 64 letters"),
        ({"priority": "urgent"}, "priority: Input should be 'low', 'normal' or 'high'"),
        ({"env": {"BRAIN_URL": "x"}}, "env: BRAIN_URL is set by the broker"),
        ({"env": {"A B": "x"}}, "env: 'A B' is no variable name"),
        ({"name": "a\x07b"}, "name: control characters"),
        ({"workdir": "/data/../etc"}, "workdir: give a path without '..'"),
        ({"workdir": "src", "archive": "0" * 64}, "give workdir or archive, not both"),
    ],
)
def test_what_is_no_job_is_refused_by_its_field(
    tmp_path: Path, fields: dict[str, object], what: str
) -> None:
    whole = {"command": "true", "devices": 1, **fields} if fields else {"devices": 1}

    with pytest.raises(JobFileInvalid) as refused:
        prepare(whole, tmp_path)

    assert what in str(refused.value)


@pytest.mark.parametrize("text", ["- a\n- b", "word", "a: &x 1\nb: *x", ""])
def test_a_file_that_has_no_fields_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)

    with pytest.raises(JobFileInvalid, match=r"job\.yaml"):
        read_job_file(path)

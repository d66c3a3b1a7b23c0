"""Rules of the queue: whose turn it is, without sorting again."""

from dataclasses import replace

import pytest

from scheduler.facts.queue import JobQueue
from scheduler.facts.record import JobRecord
from scheduler.model.job import Job, Priority
from scheduler.model.levels import STARVING_MS


def a_record(
    job_id: str, tenant_id: str = "t", priority: Priority = Priority.NORMAL, submitted_ms: int = 0
) -> JobRecord:
    job = Job(
        id=job_id,
        tenant_id=tenant_id,
        project="p",
        user="u",
        name=job_id,
        field="f",
        command="true",
        device_count=1,
        device_kind_ids=(),
        limit_ms=1,
        priority=priority,
        submitted_at_ms=submitted_ms,
    )
    return JobRecord(job=job)


def ids(queue: JobQueue, tenant_id: str = "t") -> list[str]:
    return [record.job.id for _, record in queue.lanes[tenant_id, "p", 0]]


def test_a_lane_is_by_class_then_age_then_id() -> None:
    records = [
        a_record("d", submitted_ms=5),
        a_record("c"),
        a_record("b"),
        a_record("low", priority=Priority.LOW),
        a_record("high", priority=Priority.HIGH, submitted_ms=9),
    ]

    queue = JobQueue(records)

    queue.check()
    assert ids(queue) == ["high", "b", "c", "d", "low"]


def test_a_job_that_comes_back_takes_its_old_place() -> None:
    first, second = a_record("a"), a_record("b", submitted_ms=1)
    queue = JobQueue([first, second])

    queue.discard("a")
    queue.add(first)

    queue.check()
    assert ids(queue) == ["a", "b"]


def test_taking_out_a_job_twice_is_once_and_leaves_no_empty_lane() -> None:
    queue = JobQueue([a_record("a"), a_record("b", tenant_id="u")])

    queue.discard("a")
    queue.discard("a")

    queue.check()
    assert "a" not in queue
    assert queue.lanes.keys() == {("u", "p", 0)}
    assert (len(queue), list(queue)) == (1, ["b"])


def by_tenant(record: JobRecord) -> tuple[int, str, str, int, str]:
    job = record.job
    return job.device_count, job.tenant_id, job.priority, job.limit_ms, "n"


def by_name(record: JobRecord) -> tuple[int, str, str, int, str]:
    return 1, "t", "", 0, record.job.name


def test_who_waits_is_kept_by_kind_from_when_that_is_first_asked() -> None:
    queue = JobQueue([a_record("a"), a_record("b", tenant_id="u")])
    kinds = queue.kinds(by_tenant)

    queue.add(a_record("c"))
    queue.add(a_record("d", priority=Priority.LOW))
    queue.discard("b")

    assert queue.kinds(by_tenant) is kinds
    assert {kind: [*some["n"]] for kind, some in kinds.by_shape["t"].items()} == {
        "normal": ["a", "c"],
        "low": ["d"],
    }
    queue.check()
    queue.discard("d")
    assert [*kinds.by_shape["t"]] == ["normal"]
    kinds.by_shape["t"]["normal"]["n"].pop("a")
    with pytest.raises(AssertionError, match="kinds drifted"):
        queue.check()


def test_the_same_jobs_are_kept_by_size_and_length_in_all_shapes_and_classes() -> None:
    low, length = a_record("d", priority=Priority.LOW), a_record("a").job.limit_ms
    queue = JobQueue([a_record("a"), a_record("b", tenant_id="u"), a_record("c", "u"), low])
    kinds = queue.kinds(by_tenant)

    of_size = kinds.by_size[1][length]["n"]
    assert [*of_size] == [("t", "normal"), ("u", "normal"), ("t", "low")]
    assert of_size["u", "normal"] is kinds.by_shape["u"]["normal"]["n"]
    for job_id in "cbd":
        queue.discard(job_id)
        queue.check()
    assert [*kinds.by_size[1][length]["n"]] == [("t", "normal")]
    queue.discard("a")
    assert not kinds.by_size
    queue.add(a_record("d"))
    kinds.by_size.clear()
    with pytest.raises(AssertionError, match="kinds by size drifted"):
        queue.check()


def test_jobs_alike_but_for_their_names_are_kept_by_these() -> None:
    queue = JobQueue([a_record("a"), a_record("b")])
    kinds = queue.kinds(by_name)

    assert [*kinds.by_shape["t"][""]] == [*kinds.by_size[1][0]] == ["a", "b"]
    queue.discard("a")
    assert [*kinds.by_shape["t"][""]] == [*kinds.by_size[1][0]] == ["b"]
    queue.check()


def test_a_queue_made_of_many_is_as_if_they_had_come_one_after_the_other() -> None:
    records = [
        replace(a_record(job_id, submitted_ms=submitted_ms), expected_ms=expected_ms)
        for job_id, submitted_ms, expected_ms in (("a", 9, 3), ("b", 1, STARVING_MS), ("c", 5, 1))
    ]
    one_by_one = JobQueue()
    for record in records:
        one_by_one.add(record)

    at_once = JobQueue(records)

    at_once.check()
    assert at_once.by_age == one_by_one.by_age
    assert at_once.lanes == one_by_one.lanes
    assert [*at_once] == [*one_by_one]
    assert at_once.starving(1 << 60) == one_by_one.starving(1 << 60)

"""What others read of a cycle, as it is written."""

from sqlalchemy import select

from api.database import engine
from scheduler.events import Ended, Leased, Started, Submitted
from scheduler.job import EndCause, Job, JobState, NodeShare, Placement, Priority
from scheduler.log import Cycle
from scheduler.store import SqlLog
from scheduler.tables import AttemptRow

JOB = Job(
    id="j1",
    tenant_id="t1",
    project="default",
    user="somebody",
    name="digits",
    field="other",
    command="python train.py",
    device_count=8,
    device_kind_ids=(),
    limit_ms=3_600_000,
    priority=Priority.NORMAL,
    submitted_at_ms=0,
    retry_count=1,
)
PLACEMENT = Placement(
    centre_id="c1",
    pool_id="c1-npu",
    device_kind_id="npu",
    shares=(NodeShare(node_id="c1-npu-n001", card_count=8),),
)


def leased(number: int, at_ms: int) -> Leased:
    return Leased(
        at_ms=at_ms,
        job_id=JOB.id,
        attempt_id=f"{JOB.id}.{number}",
        epoch=1,
        placement=PLACEMENT,
        hold_micros=0,
    )


def test_a_job_whose_attempt_ended_is_leased_anew_in_the_same_cycle(database_url: str) -> None:
    database = engine(database_url)
    log = SqlLog(database, "http://127.0.0.1")
    epoch = log.lead(0)
    submitted = Submitted(at_ms=0, job=JOB)
    started = Started(at_ms=1, attempt_id="j1.1")
    lost = Ended(at_ms=5, attempt_id="j1.1", cause=EndCause.NODE, exit_code=None)
    states = {JOB.id: JobState.LEASED}

    log.commit(epoch, Cycle(now_ms=0, events=(submitted, leased(1, 0)), states=states))
    log.commit(epoch, Cycle(now_ms=5, events=(started, lost, leased(2, 5)), states=states))

    statement = select(AttemptRow.id, AttemptRow.ended_at_ms).order_by(AttemptRow.id)
    with database.connect() as connection:
        rows = [tuple(row) for row in connection.execute(statement)]
    database.dispose()
    assert rows == [("j1.1", 5), ("j1.2", None)]

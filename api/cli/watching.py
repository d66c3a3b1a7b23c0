"""Following one job to its end: each change of state as it comes, and what it writes."""

import threading

from api.cli.job_tables import nodes_text, reason_text
from api.cli.language import both, colon
from api.cli.terminal import console, duration_text, plain, state_text
from api.schemas.jobs import JobView
from api.sdk import Client

POLL_S = 0.25
FINAL_STATES = frozenset({"succeeded", "failed", "cancelled"})
WAITING_STATES = frozenset({"queued", "held"})
RUN_STATES = frozenset({"running", "stopping"})


def watch_job(broker: Client, job: JobView) -> int:
    """Tell how a job goes until it ends; returns 0 where it succeeded, else 1."""
    never = threading.Event()
    told: str | None = None
    has_log = False
    while True:
        line = progress_text(job)
        if line != told and job.state not in FINAL_STATES:
            console.print(line, soft_wrap=True)
            told = line
        if job.state in RUN_STATES and not has_log:
            has_log = True
            _print_log(broker, job.id)
        elif job.state in FINAL_STATES:
            if not has_log and job.attempts:
                _print_log(broker, job.id)
            console.print(end_text(job), soft_wrap=True)
            return 0 if job.state == "succeeded" else 1
        else:
            never.wait(POLL_S)
        job = broker.job(job.id)


def progress_text(job: JobView) -> str:
    """One line: the state, and why the job waits or where it went."""
    if job.state == "queued" and job.reasons:
        why = plain(reason_text(job.reasons[0]))
        return f"{state_text(job.state)}{colon()}{why}"
    if job.attempts and job.state not in WAITING_STATES:
        attempt = job.attempts[-1]
        where = both(", ", "，").join((plain(attempt.centre), plain(nodes_text(attempt))))
        return f"{state_text(job.state)}{colon()}{where}"
    return state_text(job.state)


def end_text(job: JobView) -> str:
    attempt = job.attempts[-1] if job.attempts else None
    ran = (
        duration_text(attempt.ended_at_ms - attempt.started_at_ms)
        if attempt and attempt.started_at_ms is not None and attempt.ended_at_ms is not None
        else "-"
    )
    code = "-" if attempt is None or attempt.exit_code is None else str(attempt.exit_code)
    return both(
        f"{state_text(job.state)} after {ran}, exit code {code}",
        f"{state_text(job.state)}，用时 {ran}，退出码 {code}",
    )


def _print_log(broker: Client, job_id: str) -> None:
    """What member 0 writes, to its end."""
    for part in broker.logs(job_id, follow=True):
        console.out(part, end="", highlight=False)

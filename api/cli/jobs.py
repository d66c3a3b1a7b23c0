"""Commands about jobs in the queue and after: jobs, show, why, logs, cancel."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both, colon
from api.cli.options import Json, Tenant, parser, session_of
from api.cli.session import client
from api.cli.terminal import STATE_STYLES, console, print_json, print_list, state_text

if TYPE_CHECKING:
    from api.schemas.array_spec import ArrayView
    from api.schemas.jobs import JobView
    from api.schemas.quotes import Alternatives, Explanation, QueueStanding
    from api.sdk import Client

app = typer.Typer()


_job_id = parser(
    r"[a-z0-9]{1,64}",
    "is no job's id: `brain jobs` lists them",
    "不是作业编号：`brain jobs` 可列出",
)
_state = parser(
    "|".join(STATE_STYLES),
    f"is no state of a job: {', '.join(STATE_STYLES)}",
    f"不是作业状态，可选：{'、'.join(STATE_STYLES)}",
)
JobId = Annotated[
    str,
    typer.Argument(parser=_job_id, metavar="JOB_ID", help=both("the job's id", "作业编号")),
]


@app.command(
    help=both(
        """List jobs, newest first.

    Examples:

      brain jobs

      brain jobs --state running

      brain jobs --array ARRAY_ID --state failed

      brain jobs --tenant t03 --limit 200 --json""",
        """列出作业，新的在前。

    示例：

      brain jobs

      brain jobs --state running

      brain jobs --array ARRAY_ID --state failed

      brain jobs --tenant t03 --limit 200 --json""",
    )
)
def jobs(
    context: typer.Context,
    state: Annotated[
        str | None,
        typer.Option(
            parser=_state,
            metavar="STATE",
            help=both(
                "only these: queued, running, succeeded, failed, cancelled, ...",
                "只看该状态：queued、running、succeeded、failed、cancelled 等",
            ),
        ),
    ] = None,
    tenant: Tenant = None,
    array: Annotated[
        str | None,
        typer.Option(
            parser=_job_id,
            metavar="ARRAY_ID",
            help=both("only its tasks", "只看该数组作业的子任务"),
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=500, help=both("how many at most", "最多条数"))
    ] = 50,
    as_json: Json = False,
) -> None:
    """List jobs."""
    from api.cli.job_tables import jobs_table

    with client(session_of(context)) as broker:
        page = broker.jobs(state=state, tenant=tenant, array=array, limit=limit)
    if as_json:
        print_json(page)
        return
    print_list(jobs_table(page.items))
    if page.next:
        console.print(both("[dim]and older ones: --limit[/]", "[dim]还有更早的作业：--limit[/]"))


@app.command(
    help=both(
        """Show one job: what was asked, where it went, how it ended.

    Of an array it is how many of its tasks stand how.

    Examples:

      brain show JOB_ID

      brain show ARRAY_ID""",
        """查看一个作业：请求、去向与结果。

    对数组作业则显示各状态的子任务数。

    示例：

      brain show JOB_ID

      brain show ARRAY_ID""",
    )
)
def show(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Show one job."""
    from api.cli.arrays import is_array_id, print_array
    from api.cli.job_tables import print_job
    from api.schemas.array_spec import ArrayView

    with client(session_of(context)) as broker:
        found = broker.array(job_id) if is_array_id(job_id) else broker.job(job_id)
    if as_json:
        print_json(found)
    elif isinstance(found, ArrayView):
        print_array(found)
    else:
        print_job(found)


@app.command(
    help=both(
        """Why a job waits, where it stands, when it would start, what would be sooner.

    Example:

      brain why JOB_ID""",
        """作业为何等待、排在何处、预计何时开始、如何更早开始。

    示例：

      brain why JOB_ID""",
    )
)
def why(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Why a job waits."""
    from api.cli.arrays import refuse_array
    from api.cli.job_tables import print_explanation
    from api.cli.prospect_tables import print_alternatives, print_standing

    refuse_array(job_id)
    with client(session_of(context)) as broker:
        explanation = broker.explain(job_id)
        standing, alternatives = _prospects(broker, explanation)
    if as_json:
        more = {"standing": standing, "alternatives": alternatives}
        told = {name: one.model_dump(mode="json") if one else None for name, one in more.items()}
        print_json(explanation.model_dump(mode="json") | told)
        return
    print_explanation(explanation.model_copy(update={"standing": standing}))
    if standing:
        print_standing(standing)
    if alternatives:
        print_alternatives(alternatives)


def _prospects(
    broker: "Client", explanation: "Explanation"
) -> "tuple[QueueStanding | None, Alternatives | None]":
    """None where it may have started meanwhile, or the leader is busy: there is no more to say."""
    from api.sdk import ApiError

    standing, alternatives = explanation.standing, None
    with suppress(ApiError):
        if explanation.state == "queued":
            standing = standing or broker.standing(explanation.job_id)
            alternatives = broker.alternatives(explanation.job_id)
    return standing, alternatives


@app.command(
    help=both(
        """Print what a member of a job has written.

    Examples:

      brain logs JOB_ID

      brain logs JOB_ID -f

      brain logs JOB_ID --member 1

      brain logs JOB_ID --role worker --member 1""",
        """输出作业某个成员的日志。

    示例：

      brain logs JOB_ID

      brain logs JOB_ID -f

      brain logs JOB_ID --member 1

      brain logs JOB_ID --role worker --member 1""",
    )
)
def logs(
    context: typer.Context,
    job_id: JobId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help=both("go on to the end", "持续输出直到结束"))
    ] = False,
    member: Annotated[
        int,
        typer.Option(
            min=0,
            help=both(
                "its rank, with --role its number there", "成员序号；用 --role 时为角色内序号"
            ),
        ),
    ] = 0,
    role: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=both("one of the job's roles", "作业的某个角色")),
    ] = None,
) -> None:
    """Print a job's log."""
    from api.cli.arrays import refuse_array

    refuse_array(job_id)
    with client(session_of(context)) as broker:
        for part in broker.logs(job_id, member=member, role=role, follow=follow):
            typer.echo(part, nl=False)


@app.command(
    help=both(
        """Cancel a job, wherever it is on its way, or all of an array. Twice changes nothing.

    Examples:

      brain cancel JOB_ID

      brain cancel ARRAY_ID""",
        """取消作业或整个数组作业，重复执行无副作用。

    示例：

      brain cancel JOB_ID

      brain cancel ARRAY_ID""",
    )
)
def cancel(context: typer.Context, job_id: JobId, as_json: Json = False) -> None:
    """Cancel a job."""
    from api.cli.arrays import is_array_id

    with client(session_of(context)) as broker:
        gone = broker.cancel_array(job_id) if is_array_id(job_id) else broker.cancel(job_id)
    if as_json:
        print_json(gone)
    else:
        console.print(f"{gone.id}{colon()}{_what_becomes_of(gone)}")


def _what_becomes_of(gone: "JobView | ArrayView") -> str:
    """Who waited is gone at once; of an array all tasks may have ended by themselves."""
    from api.cli.watching import FINAL_STATES
    from api.schemas.array_spec import ArrayView

    states = gone.states if isinstance(gone, ArrayView) else {gone.state: 1}
    if not FINAL_STATES.issuperset(states):
        return both("to be cancelled", "已请求取消")
    if not isinstance(gone, ArrayView):
        return state_text(gone.state)
    ended = [f"{count} {state_text(state)}" for state, count in states.items()]
    return both("over: ", "已结束：") + both(", ", "、").join(ended)

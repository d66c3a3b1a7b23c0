"""The command that submits a job."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, parser, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, note, print_json

if TYPE_CHECKING:
    from api.files.job_file import PreparedJob
    from api.schemas.jobs import JobView
    from api.schemas.quotes import JobSubmitted
    from api.sdk import Client

app = typer.Typer()

HELP = both(
    """Put a job into the queue and print its id.

    Examples:

      brain submit job.yaml --watch

      brain submit job.yaml --device nvidia-a800 --devices 8 --nodes 2

      brain submit --devices 1 --limit 10m --workdir . -- python train.py --epochs 5

      brain submit --devices 1 --after JOB_ID --workdir . -- python evaluate.py

      brain submit --devices 1 --array 0-99%4 --workdir . -- 'python try.py $BRAIN_ARRAY_INDEX'

      brain submit --quote QUOTE_ID --workdir . -- python train.py

    With --quote it takes the place in the queue of then; without a job file it is as was quoted. A
    relative workdir is packed and shipped, without `.git`, `.venv` and `__pycache__`; an absolute
    one is a path that the centre already has. With --array the id is that of the whole array, which
    `brain show`, `brain cancel`, --after, and --array of `brain jobs` take.""",
    """提交作业，输出作业编号。

    示例：

      brain submit job.yaml --watch

      brain submit job.yaml --device nvidia-a800 --devices 8 --nodes 2

      brain submit --devices 1 --limit 10m --workdir . -- python train.py --epochs 5

      brain submit --devices 1 --after JOB_ID --workdir . -- python evaluate.py

      brain submit --devices 1 --array 0-99%4 --workdir . -- 'python try.py $BRAIN_ARRAY_INDEX'

      brain submit --quote QUOTE_ID --workdir . -- python train.py

    使用 --quote 时按询价时的位置排队；没有作业文件时，各项与询价一致。
    相对路径的 workdir 会打包上传（不含 `.git`、`.venv`、`__pycache__`），
    绝对路径表示算力中心已有的目录。使用 --array 时输出数组作业编号，可用于 `brain show`、
    `brain cancel`、--after 以及 `brain jobs` 的 --array。""",
)

JobFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="JOB.yaml | -- COMMAND...",
        help=both("a job file in YAML or JSON", "YAML 或 JSON 作业文件"),
        show_default=False,
    ),
]
Command = Annotated[
    str | None, typer.Option(help=both("the same as -- COMMAND...", "等同于 -- COMMAND..."))
]
Devices = Annotated[
    int | None,
    typer.Option("--devices", "-n", help=both("cards of the whole gang", "整个任务的卡数")),
]
Device = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND",
        help=both("acceptable kind; repeat in order of preference", "可接受的型号，按优先顺序重复"),
    ),
]
Nodes = Annotated[
    int | None, typer.Option(help=both("whole nodes to spread over", "使用的整节点数"))
]
Limit = Annotated[
    str | None, typer.Option(help=both("how long at most, such as 2h or 90m", "时限，如 2h、90m"))
]
Tenant = Annotated[
    str | None, typer.Option("--tenant", "-t", help=both("who is charged", "计费企业"))
]
Name = Annotated[str | None, typer.Option(help=both("a name to know it by", "名称"))]
Priority = Annotated[
    str | None, typer.Option(metavar="low|normal|high", help=both("which goes first", "优先级"))
]
Project = Annotated[str | None, typer.Option(help=both("the tenant's project", "项目"))]
Industry = Annotated[str | None, typer.Option("--field", help=both("the industry", "行业领域"))]
Workdir = Annotated[
    str | None, typer.Option(help=both("folder to ship, such as .", "要上传的目录，如 ."))
]
Env = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help=both("a variable; repeatable", "环境变量，可重复")),
]
Retries = Annotated[
    int | None,
    typer.Option(help=both("new attempts after failures of the park", "园区故障后的重试次数")),
]
After = Annotated[
    list[str] | None,
    typer.Option(
        metavar="JOB_ID",
        help=both(
            "held until it, a job or an array, has succeeded; repeatable",
            "在该作业或数组作业成功后才排队，可重复",
        ),
    ),
]
AfterAny = Annotated[
    list[str] | None,
    typer.Option(
        metavar="JOB_ID",
        help=both(
            "held until it, a job or an array, has ended, anyhow; repeatable",
            "在该作业或数组作业结束后才排队，可重复",
        ),
    ),
]
Array = Annotated[
    str | None,
    typer.Option(
        metavar="INDICES",
        help=both(
            "one task for each index: 0-99%4 (four at once), 1,5,9-20:2",
            "每个序号一个子任务：0-99%4（最多同时 4 个）、1,5,9-20:2",
        ),
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DATASET", help=both("a dataset that it reads; repeatable", "读取的数据集，可重复")
    ),
]
DataClass = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS", help=both("of what else it reads, such as medical", "其他数据的分级")
    ),
]
Topology = Annotated[
    str | None,
    typer.Option(
        metavar="rack|pool",
        help=both("rack: all its nodes in one rack", "rack：所有节点须在同一机柜"),
    ),
]
QuoteId = Annotated[
    str | None,
    typer.Option(
        "--quote",
        metavar="QUOTE_ID",
        help=both("a quote that it takes", "使用该询价"),
        parser=parser(r"[a-z0-9]{1,64}", "is no id of a quote", "不是询价编号"),
    ),
]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help=both("follow it to its end", "跟踪直到结束"))
]


@app.command(help=HELP)
def submit(
    context: typer.Context,
    job_file: JobFile = None,
    command: Command = None,
    devices: Devices = None,
    device: Device = None,
    nodes: Nodes = None,
    limit: Limit = None,
    tenant: Tenant = None,
    name: Name = None,
    priority: Priority = None,
    project: Project = None,
    field: Industry = None,
    workdir: Workdir = None,
    env: Env = None,
    retries: Retries = None,
    after: After = None,
    after_any: AfterAny = None,
    array: Array = None,
    data: Data = None,
    data_class: DataClass = None,
    topology: Topology = None,
    quote: QuoteId = None,
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Put a job into the queue."""
    if job_file is None and command is None:
        fail(both("give a job file, or -- COMMAND...", "请给出作业文件，或 -- COMMAND..."), 2)
    options: dict[str, object] = {
        "command": command,
        "devices": devices,
        "device": device,
        "nodes": nodes,
        "limit": limit,
        "tenant": tenant,
        "name": name,
        "priority": priority,
        "project": project,
        "field": field,
        "workdir": workdir,
        "env": _variables(env or []),
        "retries": retries,
        "after": after,
        "after_any": after_any,
        "array": array,
        "data": data,
        "data_class": data_class,
        "topology": topology,
        "quote_id": quote,
    }
    session = session_of(context)
    with client(session) as broker:
        quoted = _quoted(broker, quote) if quote and job_file is None else None
        prepared = prepared_job(job_file, options, session.default_tenant, quoted=quoted)
        job = _submitted(broker, prepared)
        _tell(job, as_json=as_json)
        if watch:
            raise typer.Exit(_watched(broker, job))


def _tell(job: "JobSubmitted", *, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    console.print(job.array.id if job.array else job.id, soft_wrap=True)
    if job.quote:
        note(both(job.quote.text, job.quote.text_zh))


def _quoted(broker: "Client", quote_id: str) -> dict[str, object]:
    """What was asked of the park then; what runs there is said now."""
    terms = broker.quote_terms(quote_id)
    what_runs = {"command", "name", "env", "workdir", "archive"}
    return {"tenant": terms.tenant} | terms.spec.model_dump(mode="json", exclude=what_runs)


def _submitted(broker: "Client", prepared: "PreparedJob") -> "JobSubmitted":
    """Its working directory goes first."""
    if prepared.packed:
        broker.upload(prepared.packed.content, prepared.packed.sha256)
    return broker.submit(prepared.job)


def _watched(broker: "Client", job: "JobView") -> int:
    """The exit code of a job, or of all tasks of its array, once it is over."""
    from api.cli.arrays import watch_array
    from api.cli.watching import watch_job

    return watch_array(broker, job.array.id) if job.array else watch_job(broker, job)


def prepared_job(
    job_file: Path | None,
    options: dict[str, object],
    default_tenant: str | None,
    *,
    as_question: bool = False,
    quoted: Mapping[str, object] | None = None,
) -> "PreparedJob":
    """The job of the file, with what the options say in place of its own words.

    As a question it needs to say neither what it runs nor where. Without a file, and without what
    was quoted, it has one card.
    """
    from api.client.workdir import WorkdirInvalid
    from api.files.job_file import JobFileInvalid, prepare, read_job_file

    given = {name: value for name, value in options.items() if value not in (None, {})}
    try:
        own = read_job_file(job_file) if job_file else {**(quoted or {"devices": 1})}
        fields = own | given
        own_env, given_env = own.get("env"), given.get("env")
        if isinstance(own_env, dict) and isinstance(given_env, dict):
            fields["env"] = own_env | given_env
        if default_tenant:
            fields.setdefault("tenant", default_tenant)
        if as_question:
            fields = {"command": "true", **fields, "workdir": None, "archive": None}
        # What an option says is relative to here, what a file says to the file.
        folder = job_file.parent if job_file and "workdir" not in given else Path()
        return prepare(fields, folder)
    except (JobFileInvalid, WorkdirInvalid) as error:
        fail(str(error), 2)


def _variables(given: list[str]) -> dict[str, str]:
    variables = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            fail(both(f"--env {item}: write NAME=VALUE", f"--env {item}：应写作 NAME=VALUE"), 2)
        variables[name] = value
    return variables

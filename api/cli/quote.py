"""The command that asks what a job would meet."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, parser, session_of
from api.cli.session import client
from api.cli.submit import (
    Command,
    Data,
    DataClass,
    Device,
    Devices,
    JobFile,
    Limit,
    Nodes,
    Priority,
    Project,
    Tenant,
    Topology,
    prepared_job,
)
from api.cli.terminal import print_json

app = typer.Typer()

Keep = Annotated[
    bool,
    typer.Option("--keep", help=both("keep what it would get", "保留其位置和可获得的卡")),
]
Drop = Annotated[
    str | None,
    typer.Option(
        metavar="QUOTE_ID",
        help=both("give up this kept quote, and ask nothing", "放弃该保留的询价，不再询价"),
        parser=parser(r"[a-z0-9]{1,64}", "is no id of a quote", "不是询价编号"),
    ),
]

HELP = both(
    """When a job would start, and what it would cost; nothing is submitted.

    Examples:

      brain quote job.yaml

      brain quote job.yaml --devices 16 --limit 2h

      brain quote --devices 8 --device ascend-910b3 --limit 12h

      brain quote job.yaml --keep

    A line for each pool that could hold it, first where it would go. The start is what the present
    plan would give it, if nobody else came; the cost is to its limit, at today's price, tax
    included. The last line submits the job in the place that it was told. With --keep nobody else
    takes that place, and the cards that it would get, until then.""",
    """作业预计何时启动、费用多少；不会真正提交。

    示例：

      brain quote job.yaml

      brain quote job.yaml --devices 16 --limit 2h

      brain quote --devices 8 --device ascend-910b3 --limit 12h

      brain quote job.yaml --keep

    每个可容纳它的资源池一行，将去往的在前。启动时间按当前计划推算（假设无新作业），
    费用按当前价格、运行到时限计算，含税。
    最后一行命令可按询价时的位置提交。使用 --keep 时，在有效期内保留该位置和可获得的卡。""",
)


@app.command(help=HELP)
def quote(
    context: typer.Context,
    job_file: JobFile = None,
    command: Command = None,
    devices: Devices = None,
    device: Device = None,
    nodes: Nodes = None,
    limit: Limit = None,
    tenant: Tenant = None,
    priority: Priority = None,
    project: Project = None,
    data: Data = None,
    data_class: DataClass = None,
    topology: Topology = None,
    keep: Keep = False,
    drop: Drop = None,
    as_json: Json = False,
) -> None:
    """What if."""
    from api.cli.prospect_tables import print_quote

    options: dict[str, object] = {
        "command": command,
        "devices": devices,
        "device": device,
        "nodes": nodes,
        "limit": limit,
        "tenant": tenant,
        "priority": priority,
        "project": project,
        "data": data,
        "data_class": data_class,
        "topology": topology,
    }
    session = session_of(context)
    if drop is not None:
        with client(session) as broker:
            broker.give_up_quote(drop)
        return
    prepared = prepared_job(job_file, options, session.default_tenant, as_question=True)
    with client(session) as broker:
        answer = broker.quote(prepared.job, keep=keep)
    if as_json:
        print_json(answer)
    else:
        print_quote(answer, [*_words(job_file, options)] if job_file else [])


def _words(job_file: Path, options: Mapping[str, object]) -> Iterator[str]:
    """How it is named once more, with all that was said of it."""
    yield str(job_file)
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield from (f"--{name.replace('_', '-')}", str(one))

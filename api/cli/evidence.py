"""Commands about evidence: made by a broker, checked without one."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.chinese import chinese
from api.cli.files import write_binary
from api.cli.language import both
from api.cli.options import Whose, session_of
from api.cli.session import Identity, client, whose
from api.cli.terminal import console, fail, plain

app = typer.Typer()


@app.command(
    help=both(
        """What proves a job, or one line of a statement, as a file that anybody can check.

    It has the tenant's own facts with their hashes, the prices, the job's events, and the daily
    roots; of other tenants nothing. Lines are counted from 1 on through lines, credits and
    corrections. `brain verify FILE.zip` checks it without a broker.

    Examples:

      brain evidence JOB -o job.zip

      brain evidence --statement 2026-10 --line 3 --tenant t03 -o line.zip""",
        """导出一个作业或一行账单的证据文件，任何人均可离线校验。

    包含该企业自身的账务事实及其哈希、价格、作业事件与每日根，不含其他企业的数据。
    行号从 1 起，依次为用量、退回、更正。用 `brain verify FILE.zip` 离线校验。

    示例：

      brain evidence JOB -o job.zip

      brain evidence --statement 2026-10 --line 3 --tenant t03 -o line.zip""",
    )
)
def evidence(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.zip",
            help=both("write there", "写入该文件"),
            dir_okay=False,
        ),
    ],
    job: Annotated[
        str | None, typer.Argument(metavar="JOB", help=both("of this job", "该作业的证据"))
    ] = None,
    statement: Annotated[
        str | None,
        typer.Option("--statement", metavar="YYYY-MM", help=both("of this month", "该月账单")),
    ] = None,
    line: Annotated[
        int | None, typer.Option("--line", min=1, help=both("of this line", "该行"))
    ] = None,
    tenant: Whose = None,
) -> None:
    """Write an evidence file."""
    if (job is None) == (statement is None) or (statement is None) != (line is None):
        fail(
            both("name a job, or --statement and --line", "请指定作业，或 --statement 与 --line"), 2
        )
    session = session_of(context)
    with client(session, Identity.BOOKS) as broker:
        if job is not None:
            write_binary(broker.evidence_of_job(job), output)
        elif statement is not None and line is not None:
            tenant = whose(session, broker, tenant)
            write_binary(broker.evidence_of_line(statement, line, tenant), output)


def check_file(path: Path, root: str | None, *, as_json: bool) -> None:
    """Check an evidence file; ends with 1 where anything does not fit."""
    from api.cli.terminal import print_json
    from api.evidence_check import Checked, NotWhole, check

    found: list[Checked] = []
    wrong = None
    try:
        for one in check(path.read_bytes(), root):
            found.append(one)
            if not as_json:
                mark = "[green]✓[/]" if one.is_rooted else "[yellow]?[/]"
                console.print(f"{mark} {_told(one.part)}  {_told(one.what)}", soft_wrap=True)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except NotWhole as error:
        wrong = str(error)
    unrooted = [one.part for one in found if not one.is_rooted]
    if as_json:
        checked = [asdict(one) for one in found]
        verdict = {"is_intact": wrong is None, "unrooted": unrooted, "misfit": wrong}
        print_json({"checked": checked} | verdict)
    elif wrong is None:
        console.print(_verdict(unrooted))
    else:
        console.print(f"[red]✗[/] {_told(wrong)}", soft_wrap=True)
    if wrong is not None:
        raise typer.Exit(1)


def _told(said: str) -> str:
    """What the check says, in the language of this run; the check itself needs Python alone."""
    return plain(both(said, chinese(said) or said))


def _verdict(unrooted: list[str]) -> str:
    """All of it fits; only what a root covers is proven."""
    if not unrooted:
        return both("[bold]the evidence is whole[/]", "[bold]证据完整[/]")
    parts = both(", ", "、").join(map(_told, unrooted))
    return both(
        f"[yellow]all of it fits, but no daily root covers this yet: {parts}[/]",
        f"[yellow]内容一致，但以下部分尚无每日根覆盖，未获证明：{parts}[/]",
    )

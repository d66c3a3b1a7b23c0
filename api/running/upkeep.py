"""Commands that look after a broker: migrate, doctor."""

from typing import Annotated

import typer

from api.cli.language import both
from api.cli.options import Json
from api.cli.terminal import console, errors, fail, print_json, table
from api.running.serving import read_settings

app = typer.Typer()


@app.command(
    help=both(
        """Bring the tables of a PostgreSQL server up to date.

    With `--operator-key` it also makes a key of role operator and prints it: the first key of a
    new database, or a new one where all were lost.

    Examples:

      BRAIN_DATABASE_URL=postgresql://brain@db/brain brain migrate

      BRAIN_DATABASE_URL=postgresql://brain@db/brain brain migrate --operator-key""",
        """将 PostgreSQL 服务器的表结构升级到最新。

    加 `--operator-key` 还会创建并输出一个 operator 角色的密钥：
    用作新数据库的第一个密钥，或在全部丢失时重新创建。

    示例：

      BRAIN_DATABASE_URL=postgresql://brain@db/brain brain migrate

      BRAIN_DATABASE_URL=postgresql://brain@db/brain brain migrate --operator-key""",
    )
)
def migrate(
    operator_key: Annotated[
        bool,
        typer.Option(
            "--operator-key",
            help=both("make an operator's key, print it", "创建并输出 operator 密钥"),
        ),
    ] = False,
) -> None:
    """Bring the database's tables up to date."""
    from sqlalchemy.exc import SQLAlchemyError

    from api.database import BadDatabaseUrl
    from api.database import migrate as bring_up_to_date
    from api.running.local_keys import new_operator_key

    settings = read_settings()
    if settings.database_url is None:
        fail(
            both(
                "BRAIN_DATABASE_URL is not set; the embedded database is migrated when it starts",
                "未设置 BRAIN_DATABASE_URL；内置数据库会在启动时自动升级",
            ),
            2,
        )
    url = settings.database_url.get_secret_value()
    try:
        bring_up_to_date(url)
        key = new_operator_key(url) if operator_key else None
    except (BadDatabaseUrl, SQLAlchemyError) as error:
        fail(str(error).splitlines()[0])
    if key is not None:
        typer.echo(key)
    errors.print(both("the tables are up to date", "表结构已是最新"))


@app.command(
    help=both(
        """Check this machine, the settings and the broker, and say what to do.

    Example:

      brain doctor""",
        """检查本机、设置与调度服务，并给出处理建议。

    示例：

      brain doctor""",
    )
)
def doctor(as_json: Json = False) -> None:
    """Check everything that is needed."""
    from dataclasses import asdict

    from rich.markup import escape

    from api.running.doctor import examine

    findings = list(examine(read_settings()))
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        made = table("", "", "")
        for finding in findings:
            mark = "[green]✓[/]" if finding.is_well else "[red]✗[/]"
            made.add_row(mark, escape(finding.name), escape(finding.text))
            if not finding.is_well:
                made.add_row("", "", f"[yellow]→ {escape(finding.fix)}[/]")
        console.print(made)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)

"""All commands of `brain`: those of its users, and those that run the broker itself."""

from typing import Annotated

import typer

import api.cli.books
import api.cli.branches
import api.cli.budgets
import api.cli.claims
import api.cli.closing
import api.cli.datasets
import api.cli.evidence
import api.cli.invoices
import api.cli.jobs
import api.cli.keys
import api.cli.packages
import api.cli.park
import api.cli.payments
import api.cli.prices
import api.cli.queue
import api.cli.quote
import api.cli.report
import api.cli.statements
import api.cli.submit
import api.cli.tenants
import api.cli.terms
import api.cli.vouchers
import api.running.serving
import api.running.upkeep
from api.cli.help_page import Command, Group
from api.cli.language import Language, both
from api.cli.wrong_use import Brain

app = typer.Typer(
    name="brain",
    cls=Brain,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=both(
        """One queue, one schedule and one set of books for the computing centres of an AI park.

    Begin: `brain up`, then in another terminal `brain submit examples/digits/job.yaml --watch`.""",
        """园区多算力中心：统一排队、统一调度、统一账本。

    开始：先运行 `brain up`，再在另一终端运行 `brain submit examples/digits/job.yaml --watch`。""",
    ),
)
JOBS = both("Jobs", "作业")
BOOKS = both("Books", "账务")
MACHINES = both("Machines", "算力")
RUNNING = both("Running a broker", "运行调度服务")
SHARING = both("Who shares the park", "共享关系")
COMMANDS = (
    (JOBS, api.cli.submit.app),
    (JOBS, api.cli.quote.app),
    (JOBS, api.cli.queue.app),
    (JOBS, api.cli.jobs.app),
    (MACHINES, api.cli.park.app),
    (BOOKS, api.cli.books.app),
    (BOOKS, api.cli.closing.app),
    (BOOKS, api.cli.evidence.app),
    (BOOKS, api.cli.report.app),
    (RUNNING, api.running.serving.app),
    (RUNNING, api.running.upkeep.app),
)
GROUPS = (
    (BOOKS, "statement", api.cli.statements.app),
    (BOOKS, "invoices", api.cli.invoices.app),
    (BOOKS, "payments", api.cli.payments.app),
    (BOOKS, "prices", api.cli.prices.app),
    (BOOKS, "terms", api.cli.terms.app),
    (BOOKS, "claims", api.cli.claims.app),
    (BOOKS, "vouchers", api.cli.vouchers.app),
    (BOOKS, "packages", api.cli.packages.app),
    (BOOKS, "budgets", api.cli.budgets.app),
    (MACHINES, "datasets", api.cli.datasets.app),
    (SHARING, "tenants", api.cli.tenants.tenants_app),
    (SHARING, "projects", api.cli.branches.projects_app),
    (SHARING, "cohorts", api.cli.branches.cohorts_app),
    (RUNNING, "keys", api.cli.keys.app),
)
for panel, part in COMMANDS:
    for command in part.registered_commands:
        command.cls, command.rich_help_panel = Command, panel
        app.registered_commands.append(command)
for panel, name, part in GROUPS:
    for command in part.registered_commands:
        command.cls = Command
    app.add_typer(part, name=name, cls=Group, rich_help_panel=panel)


@app.callback()
def root(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(help=both("the broker (BRAIN_URL)", "调度服务地址（BRAIN_URL）")),
    ] = None,
    as_name: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help=both(
                "whose key of keys.json: operator, finance, a tenant",
                "使用 keys.json 中谁的密钥：operator、finance 或企业编号",
            ),
        ),
    ] = None,
    lang: Annotated[  # noqa: ARG001 - obeyed before this, and named here for the help
        Language | None, typer.Option(metavar="zh|en", help=both("language (LANG)", "语言（LANG）"))
    ] = None,
) -> None:
    """What all commands have in common."""
    context.obj = (url, as_name)

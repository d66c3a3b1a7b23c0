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
from api.cli.language import both
from api.cli.wrong_use import Brain

app = typer.Typer(
    name="brain",
    cls=Brain,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=both(
        """One queue, one schedule and one set of books for the computing centres of an AI park.

    Begin: `brain up`, then in another terminal `brain submit examples/digits/job.yaml --watch`.""",
        """园区多算力中心：统一排队、统一调度、统一账本。

    开始：先运行 `brain up`，再在另一终端运行 `brain submit examples/digits/job.yaml --watch`。""",
    ),
)
JOBS = (api.cli.submit.app, api.cli.quote.app, api.cli.queue.app, api.cli.jobs.app)
PANELS = (
    (both("Jobs", "作业"), JOBS),
    (both("Machines", "算力"), (api.cli.park.app,)),
    (
        both("Books", "账务"),
        (api.cli.books.app, api.cli.closing.app, api.cli.evidence.app, api.cli.report.app),
    ),
    (both("Running a broker", "运行调度服务"), (api.running.serving.app, api.running.upkeep.app)),
)
for panel, parts in PANELS:
    for part in parts:
        for command in part.registered_commands:
            command.rich_help_panel = panel
            app.registered_commands.append(command)
BOOKS = both("Books", "账务")
app.add_typer(api.cli.statements.app, name="statement", rich_help_panel=BOOKS)
app.add_typer(api.cli.invoices.app, name="invoices", rich_help_panel=BOOKS)
app.add_typer(api.cli.payments.app, name="payments", rich_help_panel=BOOKS)
app.add_typer(api.cli.prices.app, name="prices", rich_help_panel=BOOKS)
app.add_typer(api.cli.terms.app, name="terms", rich_help_panel=BOOKS)
app.add_typer(api.cli.claims.app, name="claims", rich_help_panel=BOOKS)
app.add_typer(api.cli.vouchers.app, name="vouchers", rich_help_panel=BOOKS)
app.add_typer(api.cli.packages.app, name="packages", rich_help_panel=BOOKS)
app.add_typer(api.cli.budgets.app, name="budgets", rich_help_panel=BOOKS)
app.add_typer(api.cli.datasets.app, name="datasets", rich_help_panel=both("Machines", "算力"))
SHARING = both("Who shares the park", "共享关系")
app.add_typer(api.cli.tenants.tenants_app, name="tenants", rich_help_panel=SHARING)
app.add_typer(api.cli.branches.projects_app, name="projects", rich_help_panel=SHARING)
app.add_typer(api.cli.branches.cohorts_app, name="cohorts", rich_help_panel=SHARING)
app.add_typer(
    api.cli.keys.app, name="keys", rich_help_panel=both("Running a broker", "运行调度服务")
)


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
        str | None, typer.Option(metavar="zh|en", help=both("language (LANG)", "语言（LANG）"))
    ] = None,
) -> None:
    """What all commands have in common."""
    context.obj = (url, as_name)

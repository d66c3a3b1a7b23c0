"""Commands that close a month and verify the books."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from api.cli.language import both
from api.cli.options import Json, month_of, session_of
from api.cli.session import Identity, client
from api.cli.terminal import console, errors, fail, print_json

if TYPE_CHECKING:  # the models take long to load, and most commands need none
    from api.schemas.books import CentresReconciled, ReconciliationLine, VerificationLine
    from api.sdk import Client

NOT_COMPARED = 2
"""How `brain reconcile` ends where nothing differs, and not all centres were compared."""

app = typer.Typer()

Line = TypeVar("Line", "ReconciliationLine", "VerificationLine")


@app.command(
    help=both(
        """Close a month for all tenants: its statements stay the same bytes for ever.

    Months are closed in their order, once they are over. What becomes known later corrects the
    first open month, and says which it corrects. Closed twice is closed once.

    Examples:

      brain close 2026-10

      brain close                 (which months are closed)""",
        """为所有企业关账：对账单从此一字节不变。

    月份结束后按顺序关账；之后才得知的用量在下一个未关账的月份更正，并注明更正的月份。
    重复关账没有影响。

    示例：

      brain close 2026-10

      brain close                 （列出各月状态）""",
    )
)
def close(
    context: typer.Context,
    month: Annotated[
        str | None,
        typer.Argument(parser=month_of, metavar="MONTH", help=both("like 2026-10", "如 2026-10")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Close a month, or list them."""
    from api.cli.closing_tables import month_table, months_table, twice_text

    with client(session_of(context), Identity.BOOKS) as broker:
        if month is None:
            listed = broker.months()
            print_json(listed) if as_json else console.print(months_table(listed))
            return
        closed = broker.close_month(month)
    if as_json:
        print_json(closed)
        return
    console.print(month_table(closed))
    for one in closed.granted_twice:
        errors.print(twice_text(one))
    errors.print(both(f"{month} is closed", f"{month} 已关账"))


@app.command(
    help=both(
        """Whether the books are what the event log comes to, and what the centres have kept.

    The log is played again from its beginning, and every difference is printed: usage, credits,
    transfers, prices, balances, attempts. Then each centre is asked what it has kept itself of its
    attempts: where and when they ran. A centre that does not answer is named.

    It ends with 1 if there is any difference (or it cannot be asked), with 2 if there is none, but
    a centre was not compared: that is not all clear.

    Example:

      brain reconcile""",
        """核对账本、事件日志与各算力中心自己的记录。

    先从头重放日志，逐项比较并输出每一处差异（用量、退回、转账、价格、余额、尝试）；
    再逐一询问各算力中心自己保存的记录：每次尝试在何处、何时运行。未答复的中心会被列出。

    如有差异（或无法询问）则退出码为 1；无差异但有中心未能核对，则退出码为 2，并不表示全部无误。

    示例：

      brain reconcile""",
    )
)
def reconcile(context: typer.Context, as_json: Json = False) -> None:
    """Compare the books with the event log, and both with the centres."""
    from api.cli.closing_tables import print_reconciled
    from api.cli.diary_tables import print_centres

    with client(session_of(context), Identity.BOOKS) as broker:
        lines = _shown(broker.reconcile(), None if as_json else print_reconciled)
        if not lines or lines[-1].differences is None:
            fail(both("the broker stopped before it was through", "核对中断，未得出结论"))
        centres = _centres(broker, lines, as_json=as_json)
    if as_json:
        print_json({**_as_json(lines), "centres": centres.model_dump()})
    else:
        print_centres(centres)
    if lines[-1].differences or centres.count:
        raise typer.Exit(1)
    if not all(centre.is_compared for centre in centres.centres):
        raise typer.Exit(NOT_COMPARED)


def _centres(
    broker: "Client", lines: "Iterable[ReconciliationLine]", *, as_json: bool
) -> "CentresReconciled":
    """Where the centres cannot be asked, what is known of the books is told all the same."""
    from api.client.sdk_errors import ApiError

    try:
        return broker.reconcile_centres()
    except ApiError as error:
        if as_json:
            print_json({**_as_json(lines), "centres": None, "error": str(error)})
        raise


@app.command(
    help=both(
        """Whether the books are what was written: everything is computed again.

    Each tenant's facts are a chain of hashes; daily roots, closed statements and balances must
    follow from them. It names the first row of each chain that does not fit, and fails.

    With a file of `brain evidence` it checks that file, and needs no broker.

    Examples:

      brain verify

      brain verify line.zip

      brain verify line.zip --root 9f2c... (a root that was kept elsewhere)""",
        """校验账本是否与写入时一致：全部重新计算。

    每个企业的账务事实构成一条哈希链；每日根、已关账的对账单和余额都必须由其得出。
    若有不符，指出每条链中第一个不符的行，并以失败退出。

    指定 `brain evidence` 导出的文件时只校验该文件，无需连接调度服务。

    示例：

      brain verify

      brain verify line.zip

      brain verify line.zip --root 9f2c... （另行保存的每日根）""",
    )
)
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.zip", help=both("an evidence file", "证据文件")),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(
            "--root", metavar="HEX", help=both("the file must lead to it", "须与此根一致")
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify the books, or an evidence file."""
    from api.cli.closing_tables import print_line
    from api.cli.evidence import check_file

    if file is not None:
        check_file(file, root, as_json=as_json)
        return
    if root is not None:
        fail(
            both(
                "--root is of an evidence file: name the file that must lead to it",
                "--root 用于证据文件：请写明应与此根一致的文件",
            ),
            2,
        )
    with client(session_of(context), Identity.BOOKS) as broker:
        lines = _shown(broker.verify(), None if as_json else print_line)
    if as_json:
        print_json(_as_json(lines))
    if not lines or lines[-1].verdict is None:
        fail(both("the broker stopped before it was through", "校验中断，未得出结论"))
    if not lines[-1].verdict.is_intact:
        raise typer.Exit(1)


def _shown(lines: Iterable[Line], show: Callable[[Line], None] | None) -> list[Line]:
    """All of them; each is shown as it comes, where they are not told as JSON at last."""
    known = []
    for line in lines:
        known.append(line)
        if show:
            show(line)
    return known


def _as_json(lines: Iterable[Line]) -> dict[str, object]:
    return {"lines": [line.model_dump(exclude_none=True) for line in lines]}

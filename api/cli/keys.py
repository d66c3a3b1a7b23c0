"""Commands about keys: list, create, revoke."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.options import Json, parser, session_of
from api.cli.session import client
from api.cli.terminal import console, plain, print_json, table, year_text

if TYPE_CHECKING:
    from api.schemas.administration import KeyView

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List API keys; create and revoke them.

    Examples:

      brain keys

      brain keys create --role tenant --tenant t03 --label ci

      brain keys create --role agent --centre qdaicc

      brain keys revoke KEY_ID""",
        """列出、创建与吊销 API 密钥。

    示例：

      brain keys

      brain keys create --role tenant --tenant t03 --label ci

      brain keys create --role agent --centre qdaicc

      brain keys revoke KEY_ID""",
    ),
)


@app.callback()
def keys(context: typer.Context, as_json: Json = False) -> None:
    """List keys."""
    if context.invoked_subcommand is not None:
        return
    with client(session_of(context)) as broker:
        found = broker.keys()
    if as_json:
        print_json(found)
        return
    made = table(
        both("key", "密钥"),
        both("role", "角色"),
        both("whose", "所属"),
        both("label", "标签"),
        both("created", "创建"),
        both("last used", "最近使用"),
    )
    for key in found.items:
        made.add_row(
            f"[dim]{key.id}[/]" if key.revoked_at_ms else key.id,
            key.role,
            key.tenant or key.centre or "-",
            plain(key.label),
            year_text(key.created_at_ms),
            _last_text(key),
        )
    console.print(made)


def _last_text(key: "KeyView") -> str:
    """When it was last used; of one that is worth nothing, since when."""
    if key.revoked_at_ms is None:
        return year_text(key.last_used_at_ms)
    at = year_text(key.revoked_at_ms)
    return both(f"[red]revoked {at}[/]", f"[red]已吊销 {at}[/]")


@app.command(help=both("Make a key; its secret is shown once.", "创建密钥，其内容只显示一次。"))
def create(
    context: typer.Context,
    role: Annotated[
        str,
        typer.Option(
            metavar="tenant|operator|finance|agent", help=both("what it may do", "密钥角色")
        ),
    ],
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", "-t", help=both("whose: for role tenant", "所属企业（tenant）")),
    ] = None,
    centre: Annotated[
        str | None,
        typer.Option(help=both("whose agent: for role agent", "所属中心（agent）")),
    ] = None,
    label: Annotated[str, typer.Option(help=both("what it is for", "用途"))] = "key",
    as_json: Json = False,
) -> None:
    """Make a key."""
    from pydantic import ValidationError

    from api.cli.terminal import fail
    from api.schemas.administration import KeyCreate
    from api.schemas.complaints import problem

    try:
        wanted = KeyCreate.model_validate(
            {"role": role, "tenant": tenant, "centre": centre, "label": label}
        )
    except ValidationError as error:
        detail = error.errors()[0]
        fail(f"--{detail['loc'][0]}: {problem(detail)}", 2)
    with client(session_of(context)) as broker:
        made = broker.create_key(wanted)
    if as_json:
        print_json(made)
    else:
        console.print(made.secret, soft_wrap=True)


_key_id = parser(
    r"[0-9a-f]{1,64}",
    "is no key's id: `brain keys` lists them",
    "不是密钥编号：`brain keys` 可列出",
)


@app.command(help=both("Make a key worthless, at once and for ever.", "立即永久吊销密钥。"))
def revoke(
    context: typer.Context,
    key_id: Annotated[
        str,
        typer.Argument(parser=_key_id, metavar="KEY_ID", help=both("the key's id", "密钥编号")),
    ],
) -> None:
    """Revoke a key."""
    with client(session_of(context)) as broker:
        broker.revoke_key(key_id)
    console.print(both(f"{key_id}: revoked", f"{key_id}：已吊销"))

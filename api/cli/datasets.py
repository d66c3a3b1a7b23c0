"""Commands about data: the datasets that jobs may read, listed and declared."""

from typing import Annotated

import typer

from api.cli.language import both, colon
from api.cli.options import Id, Json, session_of
from api.cli.session import client
from api.cli.terminal import console, fail, plain, print_json

app = typer.Typer(
    invoke_without_command=True,
    help=both(
        """List the datasets that jobs may read, and the classes of data; say where one lies.

    Examples:

      brain datasets

      brain submit --devices 8 --data DATASET --workdir . -- python train.py

      brain --as operator datasets set web --size 45TB --centre qdaicc --centre lsl""",
        """列出作业可读取的数据集与数据分级；登记数据集的位置。

    示例：

      brain datasets

      brain submit --devices 8 --data DATASET --workdir . -- python train.py

      brain --as operator datasets set web --size 45TB --centre qdaicc --centre lsl""",
    ),
)

Size = Annotated[
    str | None, typer.Option(help=both("such as 1.5TiB or 300GB", "大小，如 1.5TiB 或 300GB"))
]
Centres = Annotated[
    list[str] | None,
    typer.Option(
        "--centre",
        help=both("where it lies, whole; repeatable", "完整存放的中心，可重复"),
    ),
]
DataClass = Annotated[
    str | None, typer.Option(help=both("its class; at first none", "数据分级，缺省为无"))
]
Owner = Annotated[
    str | None,
    typer.Option(
        "--tenant", "-t", help=both("whose it is; at first all may use it", "所属企业，缺省为公共")
    ),
]


@app.callback()
def datasets(context: typer.Context, as_json: Json = False) -> None:
    """Show where data lies and where it may be."""
    from api.cli.park_tables import print_datasets

    if context.invoked_subcommand is not None:
        return
    with client(session_of(context)) as broker:
        view = broker.datasets()
    if as_json:
        print_json(view)
    else:
        print_datasets(view)


@app.command(
    "set",
    help=both(
        "Make a dataset known, or change it: what is not named stays as it is. "
        "The next park file that has changed says anew what there is.",
        "登记或修改数据集：未指明的保持不变。园区文件变更后以文件为准。",
    ),
)
def set_dataset(
    context: typer.Context,
    dataset_id: Id,
    size: Size = None,
    centres: Centres = None,
    data_class: DataClass = None,
    tenant: Owner = None,
) -> None:
    """Declare a dataset."""
    from pydantic import ValidationError

    from api.schemas.administration import DatasetPut
    from api.schemas.complaints import problem

    with client(session_of(context)) as broker:
        known = {one.id: one for one in broker.datasets().items}.get(dataset_id)
        wanted = {
            "size": size or (known and known.size_bytes),
            "centres": centres or (known and known.centres),
            "data_class": data_class or (known and known.data_class),
            "tenant": tenant or (known and known.tenant),
        }
        try:
            put = DatasetPut.model_validate(wanted)
        except ValidationError as error:
            detail = error.errors()[0]
            option = {"centres": "centre"}.get(name := str(detail["loc"][0]), name)
            fail(f"--{option.replace('_', '-')}: {problem(detail)}", 2)
        made = broker.declare_dataset(dataset_id, put)
    centre_names = ", ".join(made.centres)
    text = both(f"in {centre_names}", f"位于 {centre_names}")
    console.print(f"{plain(made.id)}{colon()}{text}", soft_wrap=True)

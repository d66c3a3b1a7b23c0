"""Commands that run the broker itself: up, serve, agent, demo."""

import shlex
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both
from api.cli.terminal import console, fail

if TYPE_CHECKING:
    from api.settings import Settings

app = typer.Typer()

LOCAL = "local"
DEFAULT = "default"

ParkName = Annotated[
    str | None,
    typer.Option(
        "--park",
        metavar="FILE",
        help=both(
            "a park file; `local` (16 logical cards) if not given",
            "园区文件；默认为 local（16 张逻辑卡）",
        ),
    ),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help=both("what is kept: jobs, books, keys, logs", "数据目录：作业、账本、密钥、日志"),
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        min=1, max=65_535, help=both("of the broker; 8420 if not given", "调度服务端口，默认 8420")
    ),
]

UP_HELP = both(
    """Run a whole park on this machine until Ctrl-C.

    Database, broker, console, and for each centre a local Ray cluster with an agent. The cards are
    logical. Starting again goes on with the jobs and books that were kept.

    Examples:

      brain up

      brain up --park my-park.yaml --data ./park-data --port 8500""",
    """在本机运行整个园区，直到 Ctrl-C。

    包括数据库、调度服务、控制台，以及每个中心的本机 Ray 集群与代理。卡为逻辑卡。
    再次启动会接着上次的作业与账本继续。

    示例：

      brain up

      brain up --park my-park.yaml --data ./park-data --port 8500""",
)


@app.command(help=UP_HELP)
def up(park: ParkName = None, data: DataFolder = None, port: Port = None) -> None:
    """Run a park on this machine."""
    from api.files.park_file import ParkFileInvalid
    from api.postgres import PostgresFailed
    from api.running.up import LocalPark, UpFailed

    settings = read_settings()
    end_on_signals()
    try:
        local = LocalPark(
            (data or settings.data).expanduser().absolute(),
            park_path(park, settings.park),
            port or settings.port,
            say,
        )
        url = settings.database_url
        database_url = url.get_secret_value() if url else None
        with local.running(database_url):
            _say_ready(local.url, local.data)
            local.watch(threading.Event())
    except KeyboardInterrupt:
        say("everything is stopped", "已全部停止")
    except (ParkFileInvalid, PostgresFailed, UpFailed) as error:
        fail(str(error))


def read_settings() -> "Settings":
    """The settings of this run; what is wrong with them ends it."""
    from api.settings import Settings, SettingsInvalid

    try:
        return Settings.load()
    except SettingsInvalid as error:
        fail(str(error), 2)


def park_path(named: str | None, setting: Path | None) -> Path:
    """The park file: by its name, from the settings, or the local park."""
    from api.files.park_file import DEFAULT_PARK, LOCAL_PARK

    if named is None:
        return setting or LOCAL_PARK
    known = {LOCAL: LOCAL_PARK, DEFAULT: DEFAULT_PARK}
    return known.get(named) or Path(named).expanduser().absolute()


def end_on_signals() -> None:
    """Being told to end is the same as Ctrl-C; a hang-up is not, where somebody said so (nohup).

    Once is enough: a second signal would interrupt whatever gives back what the first interrupted.
    """
    for number in _endings():
        signal.signal(number, _end)


def _endings() -> list[signal.Signals]:
    is_hangup_heard = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *[signal.SIGHUP] * is_hangup_heard]


def _end(*_: object) -> None:
    for ending in _endings():
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(english: str, chinese: str) -> None:
    console.print(f"[cyan]•[/] {both(english, chinese)}", soft_wrap=True)


def _say_ready(url: str, data: Path) -> None:
    console.print(
        both(
            f"\n[bold green]The park is up.[/] Console: [bold]{url}/[/]  (keys: "
            f"{data}/keys.json)\nIn another terminal:",
            f"\n[bold green]园区已启动。[/]控制台：[bold]{url}/[/]（密钥：{data}/keys.json）\n"
            "在另一终端运行：",
        ),
        soft_wrap=True,
    )
    for line in _first_steps(data):
        console.print(f"  {line}", soft_wrap=True, markup=False)
    console.print(
        both(
            "Ctrl-C stops everything; jobs and books are kept.",
            "Ctrl-C 停止全部，作业与账本保留。",
        )
    )


def _first_steps(data: Path) -> Iterator[str]:
    """What to type next, such that it works from any folder and with any data folder."""
    from api.running.demo_walk import EXAMPLE
    from api.settings import DEFAULT_FOLDER

    if data != DEFAULT_FOLDER.expanduser():
        yield f"export BRAIN_DATA={shlex.quote(str(data))}"
    if not EXAMPLE.exists():  # installed without the examples
        yield "brain submit --watch -- echo hello"
        return
    is_near = EXAMPLE.is_relative_to(Path.cwd())
    path = EXAMPLE.relative_to(Path.cwd()) if is_near else EXAMPLE
    yield f"brain submit {shlex.quote(str(path))} --watch"


@app.command(
    help=both(
        """Run one broker: API, console, and the controller while it leads.

    Settings are BRAIN_DATABASE_URL, BRAIN_URL (its own address), BRAIN_PARK and BRAIN_DATA.

    Example:

      BRAIN_DATABASE_URL=postgresql://db/brain BRAIN_PARK=park.yaml brain serve""",
        """运行一个调度服务：API、控制台，以及主控时的调度循环。

    设置：BRAIN_DATABASE_URL、BRAIN_URL（自身地址）、BRAIN_PARK、BRAIN_DATA。

    示例：

      BRAIN_DATABASE_URL=postgresql://db/brain BRAIN_PARK=park.yaml brain serve""",
    )
)
def serve() -> None:
    """Run one broker."""
    from sqlalchemy.exc import SQLAlchemyError

    from api.data_folder import DataFolderFailed
    from api.database import BadDatabaseUrl
    from api.files.park_file import ParkFileInvalid
    from api.postgres import PostgresFailed
    from api.running.wiring import serve as serve_until_told

    try:
        serve_until_told(read_settings())
    except (BadDatabaseUrl, DataFolderFailed, ParkFileInvalid, PostgresFailed) as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(f"the database: {str(error).splitlines()[0]}")


@app.command(
    help=both(
        """Run the agent of one centre, beside its Ray cluster.

    It calls the broker at BRAIN_URL with BRAIN_API_KEY (a key of role agent); nothing calls it.
    Without `--ray-address` it starts a local Ray cluster with the nodes of the park file.

    Example:

      BRAIN_API_KEY=brk_... brain agent --centre qdaicc \\
          --ray-address 10.0.0.1:6379 --ray-token-path /etc/brain/ray-token""",
        """运行一个算力中心的代理，位于其 Ray 集群旁。

    它使用 BRAIN_API_KEY（agent 角色密钥）主动连接 BRAIN_URL，不接受外部连接。
    未给出 `--ray-address` 时，按园区文件中的节点启动本机 Ray 集群。

    示例：

      BRAIN_API_KEY=brk_... brain agent --centre qdaicc \\
          --ray-address 10.0.0.1:6379 --ray-token-path /etc/brain/ray-token""",
    )
)
def agent(
    centre: Annotated[str, typer.Option(help=both("the centre's id", "中心编号"))],
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help=both("its Ray's head", "Ray 头节点地址")),
    ] = None,
    ray_token_path: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("its Ray's token", "Ray 令牌文件")),
    ] = None,
) -> None:
    """Run the agent of one centre."""
    import logging

    from api.files.park_file import ParkFileInvalid
    from api.running.centre import CentreInvalid, RayPlace, run_agent
    from cluster.local_ray import RayFailed

    settings = read_settings()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # A line for each call, which is more than one a second, would hide all others.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    if (ray_address is None) is not (ray_token_path is None):
        fail(
            both(
                "--ray-address and --ray-token-path go together",
                "--ray-address 与 --ray-token-path 须同时给出",
            ),
            2,
        )
    place = (
        RayPlace(address=ray_address, token_path=ray_token_path)
        if ray_address and ray_token_path
        else None
    )
    try:
        run_agent(settings, centre, place)
    except (CentreInvalid, ParkFileInvalid, RayFailed) as error:
        fail(str(error))


@app.command(
    help=both(
        """Show the main job from end to end in three minutes, and leave nothing running.

    Three small centres come up, four tenants submit, a gang trains on two nodes; then usage,
    charges and bills. Files are left in demo-output/.

    Examples:

      brain demo

      brain demo --keep""",
        """三分钟演示完整流程，结束后不留任何进程。

    启动三个小型算力中心，四家企业提交作业，两个节点数据并行训练；随后是用量、费用与账单。
    结果文件保存在 demo-output/。

    示例：

      brain demo

      brain demo --keep""",
    )
)
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help=both("leave it up until Ctrl-C", "保持运行直到 Ctrl-C"))
    ] = False,
    output: Annotated[
        Path, typer.Option(metavar="DIR", help=both("where files are left", "结果文件目录"))
    ] = Path("demo-output"),
) -> None:
    """Show the main job from end to end."""
    from api.postgres import PostgresFailed
    from api.running.demo import demo as show
    from api.running.demo_walk import DemoFailed
    from api.running.up import UpFailed
    from api.sdk import ApiError

    end_on_signals()
    try:
        show(output, is_kept=keep)
    except KeyboardInterrupt:
        fail(both("interrupted; everything is stopped", "已中断，全部进程已停止"))
    except (ApiError, DemoFailed, PostgresFailed, UpFailed) as error:
        fail(str(error))

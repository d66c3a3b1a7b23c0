"""The main job, shown: three centres, real jobs of several tenants, their usage and their bills.

It uses nothing that a user could not: the commands' own client, with the tenants' own keys.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from rich.markup import escape

from api.cli.language import VARIABLES, both
from api.cli.park_tables import centres_table, headline
from api.cli.terminal import console, say
from api.files.park_file import LOCAL_PARK
from api.running.demo_walk import DemoFailed, Walk
from api.running.ports import free_port
from api.running.up import LocalPark
from api.settings import DEFAULT_PORT

STEPS = 6


def demo(output: Path, *, is_kept: bool) -> None:
    """The whole walk; raises `DemoFailed` where something does not go as it must."""
    _make(output)
    with _data_folder() as folder:
        park = LocalPark(folder, LOCAL_PARK, free_port(DEFAULT_PORT), _say)
        heading(1, "A park on this machine", "一台机器上的园区")
        with park.running() as profile:
            walk = Walk(park.url, profile, folder)
            _say(f"console: {park.url}/", f"控制台：{park.url}/")
            _show_park(walk)
            _follow(walk, output)
            if is_kept:
                _keep(park)
            heading(6, "The end", "结束")
            _say(f"the files are in {output}/", f"结果文件在 {output}/")
            _say(
                f"stopping everything, the console at {park.url}/ too: `brain demo --keep` or "
                "`brain up` leaves it up",
                f"正在停止全部进程，包括控制台 {park.url}/：`brain demo --keep` 或 `brain up` "
                "可保持运行",
            )
        _check_nothing_is_left(folder)
        _say("no process is left running", "没有遗留任何进程")


def _make(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoFailed(
            f"{output} cannot hold files ({error.strerror}): choose another folder by --output"
        ) from None


def heading(number: int, english: str, chinese: str) -> None:
    """In both languages, unless the machine says which one."""
    is_chosen = any(os.environ.get(name, "")[:2] in {"en", "zh"} for name in VARIABLES)
    text = both(english, chinese) if is_chosen else f"{english} · {chinese}"
    console.print()
    console.rule(f"[bold]{number}/{STEPS}  {text}[/]", align="left")


def _say(english: str, chinese: str) -> None:
    say(both(english, chinese), "[cyan]•[/] ")


def _show_park(walk: Walk) -> None:
    with walk.client("operator") as broker:
        view = broker.capacity()
    say(f"[yellow]{escape(view.note)}[/]", "")
    console.print(headline(view))
    console.print(centres_table(view))


def _follow(walk: Walk, output: Path) -> None:
    heading(2, "Four tenants submit", "四家企业提交作业")
    with walk.news():
        walk.submit_all()
        heading(3, "Training, waiting, cancelling", "训练、等待与取消")
        walk.show_waiting()
        walk.cancel_one()
        walk.show_training()
        walk.show_load()
        walk.await_all()
    heading(4, "How each job ended", "各作业的结果")
    walk.show_results(output)
    heading(5, "Usage and charges of the month", "本月用量与费用")
    walk.show_books(output)


def _keep(park: LocalPark) -> None:
    console.print(
        both(
            f"\n[bold green]The park stays up.[/] Console: [bold]{park.url}/[/]  keys: "
            f"{park.data}/keys.json\nIn another terminal: export BRAIN_DATA={park.data}; "
            "brain top\nCtrl-C stops it all.",
            f"\n[bold green]园区继续运行。[/]控制台：[bold]{park.url}/[/]，"
            f"密钥：{park.data}/keys.json\n"
            f"在另一终端：export BRAIN_DATA={park.data}; brain top\nCtrl-C 停止全部。",
        ),
        soft_wrap=True,
    )
    with suppress(KeyboardInterrupt):
        park.watch(threading.Event())


@contextmanager
def _data_folder() -> Iterator[Path]:
    """A new folder with a short path, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="brain-demo-", dir=_short_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _short_folder() -> str | None:
    """Where paths are short: that of a socket has at most 107 bytes."""
    folder = "/tmp"  # noqa: S108 - mkdtemp makes one there that is ours alone
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _check_nothing_is_left(folder: Path) -> None:
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = [*process.cmdline(), *process.environ().values()]
            if process.pid != os.getpid() and any(str(folder) in word for word in words):
                left.append(f"{process.pid} {process.name()}")
    if left:
        raise DemoFailed(f"still running: {', '.join(left)}")

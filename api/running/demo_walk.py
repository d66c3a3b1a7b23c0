"""What the demo does in a park that is up: submit, look, cancel, train, and read the books."""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx2
from rich.markup import escape

from api.cli.book_tables import usage_table
from api.cli.job_tables import asked_text, jobs_table, reason_text
from api.cli.language import both, colon
from api.cli.terminal import bar, console, p_text, say, share_text, table
from api.client.profile import Profile
from api.client.streamed import StreamedEvent
from api.files.job_file import prepare, read_job_file
from api.schemas.jobs import JobCreate, JobView
from api.schemas.quotes import Explanation
from api.sdk import ApiError, Client

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits" / "job.yaml"
TRAINER, RESEARCH, SPEECH, QUALITY = "t03", "t04", "t07", "t10"
TENANTS = (TRAINER, RESEARCH, SPEECH, QUALITY)
SHORT = 'python -c "print(sum(i * i for i in range(3_000_000)))"'
SHORT_COUNT = 3
SIGNS = {"started": "  [cyan]▶[/] ", "ended": "  [green]■[/] "}
BROKEN = "python -c \"import sys; sys.exit('no such data set')\""
BAR_WIDTH = 24
POLL_S = 0.1
WAIT_S = 90.0
FINAL = frozenset({"succeeded", "failed", "cancelled"})
EXPECTED = {
    "digits": "succeeded",
    "inspection": "succeeded",
    "long": "cancelled",
    "broken": "failed",
}

T = TypeVar("T")


class DemoFailed(Exception):
    """Something did not go as it must; the message says what."""


class Walk:
    """One walk through a running park. `ids` are its jobs by name."""

    def __init__(self, url: str, profile: Profile, data: Path) -> None:
        self.url = url
        self.profile = profile
        self.data = data
        self.ids: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._never = threading.Event()

    def client(self, name: str) -> Client:
        """As an operator, as finance, or as a tenant."""
        return Client(self.url, self.profile.keys[name])

    # Step 2

    def submit_all(self) -> None:
        self._submit_digits()
        for tenant, kind in ((RESEARCH, "ascend-910b3"), (SPEECH, "hygon-k100-ai")):
            self._submit_batch(tenant, kind)
        self._submit(QUALITY, "inspection", devices=4, device=["nvidia-a800"], command=SHORT)
        self._submit(RESEARCH, "long", devices=1, device=["ascend-910b3"], command="sleep 600")
        self._submit(SPEECH, "broken", devices=1, device=["hygon-k100-ai"], command=BROKEN)
        self._submit_too_big()

    def _submit_digits(self) -> None:
        prepared = prepare(read_job_file(EXAMPLE), EXAMPLE.parent)
        assert prepared.packed is not None, "the example ships its folder"
        with self.client(TRAINER) as broker:
            broker.upload(prepared.packed.content, prepared.packed.sha256)
            self._note("digits", broker.submit(prepared.job))

    def _submit_batch(self, tenant: str, kind: str) -> None:
        names = [f"{tenant}-short{number}" for number in range(1, SHORT_COUNT + 1)]
        jobs = [
            JobCreate(name=name, command=SHORT, devices=1, device=[kind], limit="5m")
            for name in names
        ]
        with self.client(tenant) as broker:
            accepted = broker.submit_batch(jobs).items
        self.ids |= {name: job.id for name, job in zip(names, accepted, strict=True)}
        say(
            both(
                f"a batch of {SHORT_COUNT} short jobs, 1 × {kind} each",
                f"一批 {SHORT_COUNT} 个短作业，每个 1 × {kind}",
            ),
            f"  [bold]{tenant}[/]  ",
        )

    def _submit(self, tenant: str, name: str, **fields: object) -> None:
        job = JobCreate.model_validate({"name": name, "limit": "5m", **fields})
        with self.client(tenant) as broker:
            self._note(name, broker.submit(job))

    def _note(self, name: str, job: JobView) -> None:
        self.ids[name] = job.id
        say(f"{name}{colon()}{escape(asked_text(job))}", f"  [bold]{job.tenant}[/]  ")

    def _submit_too_big(self) -> None:
        try:
            self._submit(RESEARCH, "huge", devices=12, device=["nvidia-a800"], command="true")
        except ApiError as error:
            if error.status != httpx2.codes.UNPROCESSABLE_ENTITY or error.problem is None:
                raise
            why = "; ".join(reason_text(reason) for reason in error.problem.reasons)
            refused = both("12 × nvidia-a800: refused (422)", "12 × nvidia-a800：被拒绝（422）")
            say(f"huge: [red]{refused}[/] {escape(why)}", f"  [bold]{RESEARCH}[/]  ")
            return
        raise DemoFailed("a job of 12 cards was accepted, and the largest pool has 8")

    # Step 3

    @contextmanager
    def news(self) -> Iterator[None]:
        """While inside: a line for each job that starts or ends, told by the event stream."""
        is_over = threading.Event()
        threading.Thread(target=self._tell, args=(is_over,), daemon=True).start()
        try:
            yield
        finally:
            is_over.set()

    def _tell(self, is_over: threading.Event) -> None:
        with self.client("operator") as stream, self.client("operator") as broker:
            try:
                for event in stream.events(after=0):
                    if is_over.is_set():
                        return
                    if event.kind in SIGNS:
                        self._tell_one(event, broker)
            except ApiError:
                return  # the broker was stopped, as it is in the end

    def _tell_one(self, event: StreamedEvent, broker: Client) -> None:
        name = {job_id: name for name, job_id in self.ids.items()}.get(event.job_id or "")
        if name is None:
            return
        line = self.line_of(event.kind, name, broker.explain(self.ids[name]))
        if line is not None:
            say(line, SIGNS[event.kind])

    def line_of(self, kind: str, name: str, explanation: Explanation) -> str | None:
        """What is told of a job that started or ended: of one that is over by now only the end."""
        summary = both(explanation.summary, explanation.summary_zh)
        is_late = kind == "started" and explanation.state in FINAL
        if is_late or self._said.get(name) == summary:
            return None
        self._said[name] = summary
        return f"[bold]{name}[/] {escape(summary)}"

    def show_waiting(self) -> None:
        with self.client(QUALITY) as broker:
            explanation = self._until(
                "the waiting job has no reason",
                lambda: broker.explain(self.ids["inspection"]),
                lambda told: bool(told.reasons) or told.state != "queued",
            )
        summary = both(explanation.summary, explanation.summary_zh)
        say(f"[bold]inspection[/] {escape(summary)}", "  [yellow]?[/] ")

    def cancel_one(self) -> None:
        with self.client(RESEARCH) as broker:
            self._until(
                "the long job does not start",
                lambda: broker.job(self.ids["long"]).state,
                lambda state: state == "running",
            )
            broker.cancel(self.ids["long"])
        cancelled = both("cancelled by its tenant", "由企业取消")
        say(f"[bold]long[/] {cancelled}", "  [yellow]×[/] ")

    def show_training(self) -> None:
        """The log of the training as it is written."""
        with self.client(TRAINER) as broker:
            for line in _lines(broker.logs(self.ids["digits"], follow=True)):
                console.print(f"  [dim]digits │[/] {escape(line)}")

    def show_load(self) -> None:
        with self.client("operator") as broker:
            load = broker.utilisation()
            view = broker.capacity()
        made = table(both("centre", "中心"), both("peak", "峰值"), "", "P", numbers=(3,))
        for centre in view.centres:
            # All of it may be over within a minute, and so between two of those that peaks are of.
            own = (one.allocated_tflops for one in load.points if one.centre == centre.id)
            peak_tflops = max(own, default=0)
            made.add_row(
                f"  {centre.id}",
                bar(peak_tflops, centre.stated_tflops, BAR_WIDTH),
                share_text(peak_tflops, centre.stated_tflops),
                f"{p_text(peak_tflops)} / {p_text(centre.stated_tflops)}",
            )
        console.print(made)

    def await_all(self) -> None:
        with self.client("operator") as broker:
            states = self._until(
                "not all jobs end",
                lambda: {name: broker.job(job_id).state for name, job_id in self.ids.items()},
                lambda states: set(states.values()) <= FINAL,
            )
        self._check(states)

    def _check(self, states: Mapping[str, str]) -> None:
        wrong = [
            f"{name} {state}"
            for name, state in states.items()
            if state != EXPECTED.get(name, "succeeded")
        ]
        if wrong:
            raise DemoFailed(f"these jobs ended otherwise than they must: {', '.join(wrong)}")

    def _until(self, complaint: str, look: Callable[[], T], is_so: Callable[[T], bool]) -> T:
        for _ in range(int(WAIT_S / POLL_S)):
            seen = look()
            if is_so(seen):
                return seen
            self._never.wait(POLL_S)
        raise DemoFailed(f"{complaint}, after {WAIT_S:.0f} s")

    # Step 4

    def show_results(self, output: Path) -> None:
        with self.client("operator") as broker:
            jobs = [broker.job(job_id) for job_id in self.ids.values()]
        console.print(jobs_table(jobs))
        for name in ("model.npz", "result.json"):
            found = list(self.data.rglob(f"outputs/{self.ids['digits']}/**/{name}"))
            if not found:
                raise DemoFailed(f"the training left no {name}")
            shutil.copy(found[0], output / f"digits-{name}")
        result = (output / "digits-result.json").read_text(encoding="utf-8")
        say(escape(" ".join(result.split())), "  [green]digits[/] ")

    # Step 5

    def show_books(self, output: Path) -> None:
        with self.client("finance") as broker:
            view = broker.usage()
            console.print(usage_table(view))
            files = {f"{what}.csv": b"".join(broker.export(what)) for what in ("usage", "charges")}
            for tenant in TENANTS:
                files[f"statement-{tenant}.csv"] = broker.statement_csv(tenant)
        for name, content in files.items():
            (output / name).write_bytes(content)
        where = both(f"saved in {output}/: ", f"已保存到 {output}/：")
        say(where + ", ".join([*files, "digits-model.npz"]))


def _lines(parts: Iterator[str]) -> Iterator[str]:
    """Whole lines of what comes in parts."""
    rest = ""
    for part in parts:
        *lines, rest = (rest + part).split("\n")
        yield from lines
    if rest:
        yield rest

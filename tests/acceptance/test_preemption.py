"""A `low` job on real Ray makes room for another, and goes on from where it was."""

import re

from tests.acceptance.processes import eventually
from tests.acceptance.product import MARKS, SOUTH, Product

pytestmark = MARKS

COUNTS = """
import os, pathlib, signal, sys, time
state = pathlib.Path(os.environ["BRAIN_CHECKPOINT_DIR"], "step")
step = int(state.read_text()) if state.exists() else 0
print("begins at", step, flush=True)
def save(*_):
    state.write_text(str(step))
    print("saved", step, flush=True)
    sys.exit(0)
signal.signal(signal.SIGUSR1, save)
while not pathlib.Path(os.environ["MAY_END"]).exists():
    step += 1
    time.sleep(0.05)
print("ends at", step, flush=True)
"""


def test_a_low_job_makes_room_and_goes_on_from_where_it_was(product: Product) -> None:
    may_end = product.folder / "may-end"
    mine = product.folder / "counts"
    mine.mkdir()
    (mine / "counts.py").write_text(COUNTS, encoding="utf-8")
    (mine / "job.yaml").write_text(
        "command: python counts.py\ndevices: 2\npriority: low\nlimit: 10m\nworkdir: .\n"
        f"device: [{SOUTH}]\nenv: {{MAY_END: {may_end}}}\n"
        "checkpoint: {dir: saved, signal: SIGUSR1, grace: 20s}\n",
        encoding="utf-8",
    )
    low = product.brain("submit", "counts/job.yaml").stdout.strip()
    product.await_attempt(low, 1)
    eventually(lambda: "begins at 0" in product.brain("logs", low).stdout, "it counts")

    above = product.submit("--devices", "2", "--device", SOUTH, command="echo now me")
    done = product.await_end(above)

    assert done.state == "succeeded"
    product.await_attempt(low, 2)
    may_end.touch()
    ended = product.await_end(low)
    assert ended.state == "succeeded"
    assert [attempt.cause for attempt in ended.attempts] == ["preempted", "finished"]
    (begins,) = re.findall(r"begins at (\d+)", product.brain("logs", low, "-f").stdout)
    assert int(begins) > 0, "the second attempt goes on where the first was saved"

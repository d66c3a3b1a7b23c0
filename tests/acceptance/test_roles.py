"""A gang of several roles on real Ray: each member runs its own command with its own cards."""

import re
from pathlib import Path

from tests.acceptance.processes import eventually
from tests.acceptance.product import MARKS, NORTH, NORTH_NODES, Product
from tests.acceptance.ray_bed import processes_of

pytestmark = MARKS

LEAD = """
import os, socket
with socket.create_server((os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))) as here:
    for _ in range(2):
        caller, _ = here.accept()
        print("heard", caller.makefile().readline().strip(), flush=True)
print("as", os.environ["BRAIN_ROLE"], "cards", repr(os.environ["ASCEND_RT_VISIBLE_DEVICES"]))
"""
WORK = """
import os, socket, time
master = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
for _ in range(300):
    try:
        call = socket.create_connection(master)
        break
    except OSError:
        time.sleep(0.1)
role = [os.environ[name] for name in ("ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE", "RANK")]
call.sendall((" ".join(role) + "\\n").encode())
print("cards", os.environ["ASCEND_RT_VISIBLE_DEVICES"], flush=True)
mine = os.environ["BRAIN_ROLE_ADDR"], int(os.environ["BRAIN_ROLE_PORT"])
assert mine != master and len(os.environ["BRAIN_HOSTS_WORKER"].split(",")) == 2
socket.create_server(mine) if role[1] == "0" else None
time.sleep(1000)
"""


def submit(product: Product, name: str, **files: str) -> str:
    """The job in `job.yaml` of these files, which are its working directory."""
    folder: Path = product.folder / name
    folder.mkdir()
    for file, text in files.items():
        (folder / file.replace("_", ".")).write_text(text, encoding="utf-8")
    done = product.brain("submit", f"{name}/job.yaml")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def log(product: Product, job_id: str, role: str, member: int = 0) -> str:
    done = product.brain("logs", job_id, "-f", "--role", role, "--member", str(member))
    assert done.returncode == 0, done.stderr
    return done.stdout


JOB = f"""
roles:
  - {{name: launcher, devices: 0, command: python lead.py}}
  - {{name: worker, count: 2, devices: 2, command: python work.py}}
ends_with: launcher
device: [{NORTH}]
limit: 10m
workdir: .
"""


def test_a_launcher_without_cards_leads_two_workers_and_the_gang_ends_with_it(
    product: Product,
) -> None:
    job_id = submit(product, "led", job_yaml=JOB, lead_py=LEAD, work_py=WORK)

    done = product.await_end(job_id)

    assert (done.state, done.end_cause, done.spec.devices) == ("succeeded", "finished", 4)
    (attempt,) = done.attempts
    assert attempt.exit_code == 0
    assert attempt.nodes == [
        {"node_id": NORTH_NODES[0], "card_count": 2, "members": {"launcher": "0", "worker": "0"}},
        {"node_id": NORTH_NODES[1], "card_count": 2, "members": {"worker": "1"}},
    ]
    heard = log(product, job_id, "launcher")
    assert sorted(re.findall("heard (.*)", heard)) == ["worker 0 2 1", "worker 1 2 2"]
    assert "as launcher cards ''" in heard
    for number in (0, 1):
        assert log(product, job_id, "worker", number) == "cards 0,1\n"
    eventually(lambda: not processes_of(attempt.id), "the workers, who waited, are gone")


def test_a_job_is_shown_with_its_roles(product: Product) -> None:
    job_id = submit(
        product,
        "shown",
        job_yaml=f"command: hostname\ndevice: {NORTH}\nlimit: 1m\n"
        "roles: [{name: worker, devices: 1}, {name: eval, devices: 2}]\n",
    )
    done = product.await_end(job_id)

    shown = product.brain("show", job_id, COLUMNS="200").stdout
    missing = product.brain("logs", job_id, "--role", "worker", "--member", "1")

    assert done.state == "succeeded"
    assert [node["members"] for node in done.attempts[0].nodes] == [{"eval": "0"}, {"worker": "0"}]
    assert "worker: 1 member with 1 device, eval: 1 member with 2 devices" in shown
    assert f"{NORTH_NODES[0]}×2 (eval 0)" in shown
    assert (missing.returncode, "no worker 1 of job" in missing.stderr) == (1, True)


def test_one_member_that_fails_ends_the_others_and_is_named(product: Product) -> None:
    job_id = submit(
        product,
        "failed",
        job_yaml="command: exec sleep 1000\ndevice: [ascend-910b3]\nlimit: 10m\n"
        "roles: [{name: worker, devices: 2}, {name: eval, devices: 1, command: exit 3}]\n",
    )

    done = product.await_end(job_id)

    assert (done.state, done.end_cause) == ("failed", "user_error")
    assert done.attempts[0].exit_code == 3
    assert done.attempts[0].detail == "member 1 (eval 0): exit code 3"
    eventually(lambda: not processes_of(done.attempts[0].id), "the worker is gone as well")

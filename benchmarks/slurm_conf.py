"""The same park and the same jobs in Slurm's words: `slurm.conf`, and arguments of `sbatch`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.inventory import Park, Pool
from scheduler.facts.record import Attempt
from scheduler.model.job import Job
from scheduler.placing.placement import Fit, candidate_pools, fit, shape_of

MS_PER_MINUTE = 60_000
CPUS_PER_CARD = 8
PRIORITY_MAX = 1_000_000_000
OVERDUE_MINUTES = 30
"""How long a running job is given in Slurm that has less of its limit left: it outlives the run."""
SILENCE_S = 36_000
"""How long Slurm waits for an answer of a node, of which there is never one."""

SHIPPED = ""
"""No `SchedulerParameters`: what Slurm does as it is shipped."""

CONF = """\
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
StateSaveLocation={folder}/state
SlurmUser={user}
SlurmdPort={node_port}
SlurmdTimeout=0
BatchStartTimeout={silence_s}
MessageTimeout={silence_s}
TreeWidth=65533
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters={parameters}
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PriorityType=priority/basic
OverTimeLimit=UNLIMITED
MaxJobCount={jobs_max}
GresTypes=gpu
"""
NODES = "NodeName={name} CPUs={cpus} Gres=gpu:{cards} NodeAddr=127.0.0.1 State=IDLE\n"
PARTITION = "PartitionName={name} Nodes={nodes} MaxTime=INFINITE State=DOWN\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a controller lives: its folder, host and ports, and the user that it runs as."""

    folder: Path
    host: str
    port: int
    node_port: int
    user: str


def deep(cycle_s: int) -> str:
    """`SchedulerParameters` that let it try all jobs, and plan for as long as Slurm can.

    A backfill cycle may take `cycle_s`, and the next begins after 5 s; the plan reaches for 30
    days, in steps of ten minutes; the main scheduler goes through the whole queue.
    """
    return (
        f"bf_continue,bf_interval=5,bf_max_job_test=1000000,bf_max_time={cycle_s},"
        "bf_window=43200,bf_resolution=600,bf_node_space_size=2000000,"
        f"default_queue_depth=1000000,max_sched_time={cycle_s}"
    )


def slurm_conf(park: Park, place: Place, parameters: str, jobs_max: int) -> str:
    """One partition for each pool, closed at first; nodes need no daemon to be idle."""
    head = CONF.format(
        folder=place.folder,
        host=place.host,
        port=place.port,
        node_port=place.node_port,
        user=place.user,
        silence_s=SILENCE_S,
        parameters=parameters,
        jobs_max=jobs_max,
    )
    if not parameters:
        head = head.replace("SchedulerParameters=\n", "")
    return head + "".join(_pool_lines(park))


def _pool_lines(park: Park) -> Iterator[str]:
    for pool in park.pools:
        node_ids = ",".join(park.node_ids(pool.id))
        cards = pool.cards_per_node
        yield NODES.format(name=node_ids, cpus=cards * CPUS_PER_CARD, cards=cards)
        yield PARTITION.format(name=pool.id, nodes=node_ids)


def waiting_job(job: Job, rank: int, park: Park) -> str:
    """The arguments of one that waits as the `rank`-th: the lower, the sooner."""
    pools, wanted = _pools_of_one_fit(job, park)
    return _arguments(
        job.id, [pool.id for pool in pools], wanted, job.limit_ms, PRIORITY_MAX - rank
    )


def running_job(job: Job, attempt: Attempt, now_ms: int) -> str:
    """The arguments of one that runs on just these nodes until its limit."""
    placement = attempt.placement
    node_ids = [share.node_id for share in placement.shares]
    [card_count] = {share.card_count for share in placement.shares}
    left_ms = max(job.limit_ms - (now_ms - attempt.begin_ms), OVERDUE_MINUTES * MS_PER_MINUTE)
    wanted = Fit(len(node_ids), card_count)
    words = _arguments(job.id, [placement.pool_id], wanted, left_ms, PRIORITY_MAX)
    return f"{words} --nodelist={','.join(node_ids)}"


def _pools_of_one_fit(job: Job, park: Park) -> tuple[list[Pool], Fit]:
    """The pools in which it sits in one way: that of most of them, of the first where it is even.

    A request of Slurm states nodes and cards a node, where ours states cards.
    """
    shape = shape_of(job)
    fits = {pool: fit(shape, pool) for pool in candidate_pools(shape, park)}
    found = Counter(one for one in fits.values() if isinstance(one, Fit))
    [(wanted, _)] = found.most_common(1)
    return [pool for pool, one in fits.items() if one == wanted], wanted


def _arguments(
    name: str, pool_ids: Iterable[str], wanted: Fit, limit_ms: int, priority: int
) -> str:
    return (
        f"--job-name={name} --partition={','.join(pool_ids)} --nodes={wanted.node_count}"
        f" --gres=gpu:{wanted.card_count} --time={-(-limit_ms // MS_PER_MINUTE)}"
        f" --priority={priority}"
    )

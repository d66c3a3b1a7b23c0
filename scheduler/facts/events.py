"""What happened: the facts of the event log, from which everything else is derived.

`at_ms` is when it happened (for what a centre reports: the centre's word, fitted between what the
broker knows); the log adds when it was recorded. Facts are never changed, only corrected by others.
"""

from dataclasses import dataclass
from typing import Literal

from accounting.prices.packages import Covered, Package
from accounting.prices.rating import PriceList
from cluster.datasets import Dataset
from cluster.inventory import Park
from scheduler.facts.measured import Measured as Measured  # noqa: PLC0414 - an event too
from scheduler.facts.measured import Saved as Saved  # noqa: PLC0414 - an event too
from scheduler.facts.moved import Credited as Credited  # noqa: PLC0414 - likewise
from scheduler.facts.moved import TaxStated as TaxStated  # noqa: PLC0414 - likewise
from scheduler.facts.promised import StartPromised as StartPromised  # noqa: PLC0414 - likewise
from scheduler.forecast.punctuality import Foretold
from scheduler.model.budget import Budget
from scheduler.model.job import EndCause, Job, Placement
from scheduler.model.tenancy import Cohort, Project, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkDeclared:
    """The park's inventory, from now on.

    What its kinds are stated with counts from `from_ms`, when the leader took it; None, in the log
    of an earlier release, is from where the meters stood.
    """

    at_ms: int
    park: Park
    from_ms: int | None = None
    kind: Literal["park_declared"] = "park_declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDeclared:
    """A dataset of the park lies there, has that size and class, until a park file says else."""

    at_ms: int
    dataset: Dataset
    kind: Literal["dataset_declared"] = "dataset_declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesDrained:
    """Nothing starts on these nodes, by whom (`said_by`) or for what; or something may again."""

    at_ms: int
    node_ids: tuple[str, ...]
    is_drained: bool = True
    by: Literal["operator", "hours", "launches"] = "operator"
    until_ms: int | None = None
    said_by: str | None = None
    kind: Literal["nodes_drained"] = "nodes_drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDeclared:
    """A tenant exists, or its quota, weight or class changed."""

    at_ms: int
    tenant: Tenant
    kind: Literal["tenant_declared"] = "tenant_declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortDeclared:
    """A cohort exists, or its weight or quota changed; who is in it, tenants say themselves."""

    at_ms: int
    cohort: Cohort
    kind: Literal["cohort_declared"] = "cohort_declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDeclared:
    """A tenant has a project, or its weight or quota changed."""

    at_ms: int
    project: Project
    kind: Literal["project_declared"] = "project_declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceListPublished:
    """A dated price list; it never changes the past."""

    at_ms: int
    price_list: PriceList
    kind: Literal["price_list_published"] = "price_list_published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A job entered the queue, or is held until others have ended."""

    at_ms: int
    job: Job
    kind: Literal["submitted"] = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteKept:
    """Until then a quote stands in the queue in the place of its job, whose id is the quote's."""

    at_ms: int
    until_ms: int
    job: Job
    kind: Literal["quote_kept"] = "quote_kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteCardsKept:
    """From now on cards of so many TFLOPS are kept for a quote, on these nodes; 0 is none."""

    at_ms: int
    tenant_id: str
    quote_id: str
    tflops: int
    node_ids: tuple[str, ...] = ()
    kind: Literal["quote_cards_kept"] = "quote_cards_kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteEnded:
    """A quote is kept no longer: it has expired, or its tenant gave it up."""

    at_ms: int
    tenant_id: str
    quote_id: str
    kind: Literal["quote_ended"] = "quote_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """All that a held job was to follow has ended, and it entered the queue."""

    at_ms: int
    job_id: str
    kind: Literal["released"] = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyFailed:
    """A job that a held one was to follow did not succeed, so that it never runs."""

    at_ms: int
    job_id: str
    after_id: str
    kind: Literal["dependency_failed"] = "dependency_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Somebody wants a job gone; it wins against every later retry."""

    at_ms: int
    job_id: str
    by: str
    kind: Literal["cancel_requested"] = "cancel_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A job was given devices: the right to run attempt `attempt_id`, with money held for it.

    `foretold` is what it was told first of when that would be, in this wait. `is_starving` where it
    came first because it had waited too long.
    """

    at_ms: int
    job_id: str
    attempt_id: str
    epoch: int
    placement: Placement
    hold_micros: int
    foretold: Foretold | None = None
    is_starving: bool = False
    kind: Literal["leased"] = "leased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launching:
    """The centre has taken the order and is starting the members."""

    at_ms: int
    attempt_id: str
    kind: Literal["launching"] = "launching"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """All members run; the meter starts."""

    at_ms: int
    attempt_id: str
    kind: Literal["started"] = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDecided:
    """The broker wants an attempt gone, and why; for which job it makes room, and where."""

    at_ms: int
    attempt_id: str
    cause: EndCause
    grace_ms: int
    for_job_id: str = ""
    for_node_ids: tuple[str, ...] = ()
    kind: Literal["stop_decided"] = "stop_decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """The attempt held its devices over [`from_ms`, `to_ms`); `charge_micros` leaves its hold.

    That is for all of its cards but those that are `covered` by packages.
    """

    at_ms: int
    attempt_id: str
    from_ms: int
    to_ms: int
    price_micros: int
    charge_micros: int
    covered: tuple[Covered, ...] = ()
    kind: Literal["metered"] = "metered"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldExtended:
    """An attempt goes on beyond its hold: so much more is held for it, for the `number`th time."""

    at_ms: int
    attempt_id: str
    number: int
    amount_micros: int
    kind: Literal["hold_extended"] = "hold_extended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdrawn:
    """A tenant has committed `short_micros` more than it has, as its work goes on all the same."""

    at_ms: int
    tenant_id: str
    short_micros: int
    kind: Literal["overdrawn"] = "overdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardStopSet:
    """Whether a tenant's work is to stop where its balance does not cover what comes next."""

    at_ms: int
    tenant_id: str
    is_on: bool
    kind: Literal["hard_stop_set"] = "hard_stop_set"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBought:
    """A tenant has bought a package, out of its balance."""

    at_ms: int
    package: Package
    kind: Literal["package_bought"] = "package_bought"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSet:
    """A tenant means to spend so much, and no more, or no longer means to."""

    at_ms: int
    budget: Budget
    kind: Literal["budget_set"] = "budget_set"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetReached:
    """So many percent of a budget are spent: in `month`, which a job's has not."""

    at_ms: int
    budget: Budget
    month: str
    level: int
    spent_micros: int
    kind: Literal["budget_reached"] = "budget_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The attempt is over and its devices are free; `exit_code` is None where nobody knows it."""

    at_ms: int
    attempt_id: str
    cause: EndCause
    exit_code: int | None
    detail: str = ""
    node_id: str | None = None
    kind: Literal["ended"] = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesChanged:
    """The nodes of a centre that could take work now."""

    at_ms: int
    centre_id: str
    online_node_ids: tuple[str, ...]
    kind: Literal["nodes_changed"] = "nodes_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreLinkChanged:
    """A centre is heard of again, or has been silent for too long to lease to."""

    at_ms: int
    centre_id: str
    is_heard: bool
    kind: Literal["centre_link_changed"] = "centre_link_changed"


Event = (
    ParkDeclared
    | DatasetDeclared
    | NodesDrained
    | TenantDeclared
    | CohortDeclared
    | ProjectDeclared
    | PriceListPublished
    | Credited
    | TaxStated
    | Submitted
    | QuoteKept
    | QuoteCardsKept
    | QuoteEnded
    | Released
    | DependencyFailed
    | CancelRequested
    | StartPromised
    | Leased
    | Launching
    | Started
    | StopDecided
    | Metered
    | Measured
    | Saved
    | HoldExtended
    | Overdrawn
    | HardStopSet
    | PackageBought
    | BudgetSet
    | BudgetReached
    | Ended
    | NodesChanged
    | CentreLinkChanged
)

Wish = (
    ParkDeclared
    | DatasetDeclared
    | NodesDrained
    | TenantDeclared
    | CohortDeclared
    | ProjectDeclared
    | PriceListPublished
    | Credited
    | TaxStated
    | Submitted
    | QuoteKept
    | QuoteEnded
    | HardStopSet
    | PackageBought
    | BudgetSet
    | CancelRequested
)
"""What others than the leader may ask for: the bodies of requests in the inbox."""


def job_of(event: Event) -> str | None:
    """The job that an event speaks of; an attempt is named after its job and its number."""
    match event:
        case Submitted():
            return event.job.id
        case Released() | DependencyFailed() | CancelRequested() | Leased():
            return event.job_id
        case Launching() | Started() | StopDecided() | HoldExtended() | Ended():
            return event.attempt_id.rpartition(".")[0]
        case Metered() | Measured() | Saved():
            return event.attempt_id.rpartition(".")[0]
        case _:
            return None

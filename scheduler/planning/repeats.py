"""Jobs that a plan tells what it told others like them: most of a long queue.

Whether quotas and money allow a job is asked once of all that would take the same of them, until
the plan has taken or kept something.
"""

from dataclasses import dataclass, field

from scheduler.facts.record import JobRecord
from scheduler.model.plan import Verdict
from scheduler.placing.placement import Shape, shape_of
from scheduler.planning.groups import Group, Groups
from scheduler.planning.settled import Settled
from scheduler.planning.stops import Stops
from scheduler.sharing.allowance import Allowances

Allowed = tuple[Group, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Repeats:
    """`settled` has the shapes for which the plan has nothing more to find out."""

    groups: Groups
    allowances: Allowances
    stops: Stops
    settled: dict[Shape, Settled] = field(default_factory=dict)
    _allowed: dict[Allowed, bool] = field(default_factory=dict)

    def told(self, record: JobRecord) -> Verdict | None:
        """What its like was told; None where it is to be looked at itself. It has one form."""
        settled = self.settled.get(shape_of(record.job))
        if settled is None:
            return None
        group = self.groups.of(record)
        known = settled.of(record.job, group.ends)
        if known is None or not self._is_allowed(record, group, settled.kind_ids):
            return None
        return None if self._might_stop(record, group, settled) else known

    def forget(self) -> None:
        """The plan has taken or kept some of a quota, or of somebody's money."""
        self._allowed.clear()

    def _is_allowed(self, record: JobRecord, group: Group, kind_ids: tuple[str, ...]) -> bool:
        """Whether no quota forbids it now, and it can be paid on all of these kinds."""
        key = group, kind_ids
        known = self._allowed.get(key)
        if known is None:
            is_within = self.allowances.quota_reason(record) is None
            known = is_within and self.allowances.covers(record, kind_ids)
            self._allowed[key] = known
        return known

    def _might_stop(self, record: JobRecord, group: Group, settled: Settled) -> bool:
        """Whether others might be stopped for the job, and none like it asked for that in vain."""
        if not self.stops.is_any_below(record, group.merit):
            return False
        is_vain = settled.is_vain(group.claim_ends, group.merit)
        return not is_vain and self.stops.may_ask(record, [record])

"""Jobs of one form that are alike in all but their shape: what holds of one holds of all.

When a job would end, how it stands, and whether quotas and money allow it go by who asks for how
many cards and for how long, and by what the job has had. In a long queue thousands are the same in
that: it is worked out once for each group, and looked up once for each job.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from scheduler.facts.record import JobRecord
from scheduler.forecast.ends import Ends
from scheduler.planning.survey import Survey
from scheduler.sharing.standing import Merit, Standings
from scheduler.timing.forecasts import Forecasts

KEPT_MAX = 100_000
"""Of so many sorts of jobs it is kept of which group they are; then that is found out anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """`ends` are as if it began now, `claim_ends` once others have been stopped for it.

    Of a group there is one object, by which it is known.
    """

    ends: Ends
    claim_ends: Ends
    merit: Merit


class Groups:
    """Of one plan: nothing that a group goes by changes while it is made."""

    def __init__(self, forecasts: Forecasts, survey: Survey, standings: Standings) -> None:
        self._forecasts = forecasts
        self._survey = survey
        self._standings = standings
        self._group_by_like: dict[Hashable, Group] = {}
        self._known: dict[Hashable, Group] = {}

    def of(self, record: JobRecord) -> Group:
        """Looked up by what is there of each job, from which all else follows."""
        job = record.job
        like = (
            job.tenant_id,
            job.project,
            job.user,
            job.name,
            job.priority,
            job.device_count,
            job.limit_ms,
            None if job.checkpoint is None else job.checkpoint.grace_ms,
            record.done_ms,
            record.speed_permille,
            record.served_card_ms,
            job.id if self._is_alone(record) else "",
        )
        known = self._known.get(like)
        if known is None:
            if len(self._known) >= KEPT_MAX:
                self._known.clear()
            known = self._known[like] = self._found(record)
        return known

    def _is_alone(self, record: JobRecord) -> bool:
        """Whether it has a budget of its own, or starves."""
        return record.watched is not None or record.job.id in self._standings.starving.job_ids

    def _found(self, record: JobRecord) -> Group:
        """That of all who ask for as much in the same branches, for as long, and stand as well."""
        job, ends, merit = record.job, self._forecasts.ends(record), self._standings.merit(record)
        own = job.id if self._is_alone(record) else ""
        branches = job.tenant_id, job.project
        like = *branches, job.priority, job.device_count, ends, merit, own
        found = self._group_by_like.get(like)
        if found is None:
            claim_ends = self._survey.claim_ends(record)
            found = self._group_by_like[like] = Group(ends, claim_ends, merit)
        return found

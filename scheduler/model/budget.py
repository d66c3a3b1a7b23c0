"""What a tenant means to spend: in a month, in a month on a project, or on a job."""

from dataclasses import dataclass

LEVELS = (80, 100)
"""Percent of a budget, of each of which its tenant is told once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """So much a month, of a tenant or of one of its projects; or so much in all, for one job.

    `amount_micros` 0 is no budget any more. With `is_hard_stop` what it is for stops once it is
    used up, and nothing more of that starts; else its tenant is told, and no more.
    """

    tenant_id: str
    project: str | None = None
    job_id: str | None = None
    amount_micros: int = 0
    is_hard_stop: bool = False

    @property
    def key(self) -> tuple[str | None, str | None]:
        """A tenant has one of each."""
        return self.project, self.job_id

    @property
    def where(self) -> str:
        """What it is for."""
        if self.job_id is not None:
            return self.job_id
        return self.tenant_id if self.project is None else f"{self.tenant_id}/{self.project}"

    def level(self, spent_micros: int) -> int:
        """The highest percentage that was reached of those that are told; 0 where none was."""
        reached = (one for one in LEVELS if 100 * spent_micros >= one * self.amount_micros)
        return max(reached, default=0)

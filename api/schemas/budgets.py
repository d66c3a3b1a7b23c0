"""What limits a tenant's spending, on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from api.schemas.jobs import Wire
from api.schemas.values import Identifier, Yuan

JobRef = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,64}$")]


class HardStopPut(Wire):
    """Whether a tenant's work is to stop where its balance does not cover what comes next."""

    is_on: bool = Field(description="false, as at first: it goes on, and the balance below zero")


class HardStopView(HardStopPut):
    """The same, and whose it is."""

    tenant: str


class BudgetPut(Wire):
    """A budget for each month, of a tenant or one of its projects; or for one job, in all."""

    amount: Yuan = Field(description="yuan, tax included; 0 is no budget any more")
    project: Identifier | None = Field(default=None, description="null: the whole tenant's")
    job_id: JobRef | None = Field(default=None, description="null: a month's, not a job's")
    hard_stop: bool = Field(
        default=False,
        description="whether what it is for stops once it is used up; else that is told, no more",
    )

    @model_validator(mode="after")
    def _one_scope(self) -> "BudgetPut":
        if self.project is not None and self.job_id is not None:
            raise ValueError("a budget is for a project or for a job: leave one of them out")
        return self


class BudgetView(BudgetPut):
    """A budget, and what the books say was spent of it."""

    tenant: str
    month: str | None = Field(description="of Asia/Shanghai; null: a job's, over all months")
    spent: str = Field(description="yuan: charged, less what was given back")
    percent: int = Field(ge=0, description="of the budget that is spent, rounded down")


class BudgetList(Wire):
    """Budgets by tenant, project and job; a tenant sees its own alone."""

    items: list[BudgetView]

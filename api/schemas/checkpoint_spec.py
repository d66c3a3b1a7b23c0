"""How a job saves itself, as a user writes it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.values import Grace, RelativePath


class CheckpointSpec(BaseModel):
    """How the job saves itself before it is stopped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dir: RelativePath = Field(
        description="in the working directory; what is written there outlives the attempt"
    )
    signal: Literal["SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT", "SIGHUP"] | None = Field(
        default=None, description="sent first, to the processes that handle it"
    )
    grace: Grace = Field(
        default=60_000,
        validate_default=False,
        description="from the first signal to the KILL",
        json_schema_extra={"default": "60s"},
    )

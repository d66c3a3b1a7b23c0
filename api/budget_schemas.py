"""What limits a tenant's spending, on the wire."""

from pydantic import Field

from api.schemas import Wire


class HardStopPut(Wire):
    """Whether a tenant's work is to stop where its balance does not cover what comes next."""

    is_on: bool = Field(description="false, as at first: it goes on, and the balance below zero")


class HardStopView(HardStopPut):
    """The same, and whose it is."""

    tenant: str

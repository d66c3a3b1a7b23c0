"""The client's calls about closed months: replies to statements."""

from api.bill_schemas import Confirmation, Dispute, ReplyList, ReplyView, Resolution
from api.connection import Connection, new_key, quoted, read


class BillCalls:
    """A part of `api.sdk.Client`."""

    _wire: Connection

    def replies(self, month: str, tenant: str | None = None) -> ReplyList:
        """What was said about a closed statement."""
        return self._wire.get(f"/v1/statements/{quoted(month)}/replies", ReplyList, tenant=tenant)

    def confirm_statement(self, month: str, reason: str | None = None) -> ReplyView:
        """With a tenant's key: agree with its statement."""
        return self._said(month, "confirm", Confirmation(reason=reason))

    def dispute_statement(
        self, month: str, reason: str, lines: list[int] | None = None
    ) -> ReplyView:
        """With a tenant's key: say what is wrong with its statement."""
        return self._said(month, "dispute", Dispute(reason=reason, lines=lines or []))

    def resolve_dispute(self, month: str, tenant: str, reason: str) -> ReplyView:
        """With a key of finance: say what came of a dispute."""
        return self._said(month, "resolve", Resolution(tenant=tenant, reason=reason))

    def _said(self, month: str, verb: str, body: Confirmation | Dispute | Resolution) -> ReplyView:
        path = f"/v1/statements/{quoted(month)}:{verb}"
        return read(self._wire.send("POST", path, body, new_key()), ReplyView)

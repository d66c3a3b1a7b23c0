"""The client's calls about bills: statements and replies, invoices, payments, settlements."""

import httpx2

from api.client.connection import Connection, new_key, quoted, read
from api.client.sdk_errors import ApiError
from api.schemas.administration import (
    Accepted,
    PriceListCreate,
    PriceLists,
    PriceListView,
    TenantView,
    TopUp,
)
from api.schemas.bills import (
    Confirmation,
    Dispute,
    InvoiceAsk,
    InvoiceCredited,
    InvoiceIssued,
    InvoiceList,
    InvoiceView,
    PaymentList,
    PaymentRecord,
    PaymentView,
    ReplyList,
    ReplyView,
    Resolution,
)
from api.schemas.settlements import TermsList, TermsPublish, TermsView
from api.schemas.values import Decision


class BillCalls:
    """A part of `api.sdk.Client`."""

    _wire: Connection

    def prices(self) -> PriceLists:
        return self._wire.get("/v1/prices", PriceLists)

    def publish_prices(self, wanted: PriceListCreate) -> PriceListView:
        """From a moment on that lies ahead; raises `ApiError` where no broker leads just now."""
        answer = self._wire.send("POST", "/v1/prices", wanted, new_key())
        if answer.status_code == httpx2.codes.ACCEPTED:
            raise ApiError(read(answer, Accepted).detail)
        return read(answer, PriceListView)

    def top_up(self, tenant: str, amount: str, reference: str) -> TenantView:
        """Book what a tenant has paid in, once for its reference."""
        path = f"/v1/tenants/{quoted(tenant)}:top-up"
        paid = TopUp(amount=amount, reference=reference)
        return self._wire.create(path, paid, TenantView, None)

    def statement(self, tenant: str | None = None, month: str | None = None) -> bytes:
        """A tenant's month (this one if not given) as JSON, exactly as it was closed."""
        return self._statement(tenant, month, "json")

    def statement_csv(self, tenant: str | None = None, month: str | None = None) -> bytes:
        return self._statement(tenant, month, "csv")

    def statement_pdf(self, tenant: str | None = None, month: str | None = None) -> bytes:
        """The same, in Chinese, to be printed, signed and sealed."""
        return self._statement(tenant, month, "pdf")

    def statement_xlsx(self, tenant: str | None = None, month: str | None = None) -> bytes:
        """The same as a workbook."""
        return self._statement(tenant, month, "xlsx")

    def _statement(self, tenant: str | None, month: str | None, form: str) -> bytes:
        parameters = {"tenant": tenant, "month": month, "format": form}
        return self._wire.request("GET", "/v1/statements", parameters=parameters).content

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

    def resolve_dispute(
        self,
        month: str,
        tenant: str,
        reason: str,
        decision: Decision = "resolved",
        amount: str | None = None,
    ) -> ReplyView:
        """With a key of finance: say what came of a dispute, and what the tenant gets back."""
        answer = Resolution(tenant=tenant, reason=reason, decision=decision, amount=amount)
        return self._said(month, "resolve", answer)

    def _said(self, month: str, verb: str, body: Confirmation | Dispute | Resolution) -> ReplyView:
        path = f"/v1/statements/{quoted(month)}:{verb}"
        return read(self._wire.send("POST", path, body, new_key()), ReplyView)

    # Invoices and payments

    def invoices(
        self,
        tenant: str | None = None,
        month: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> InvoiceList:
        """A page; its `next` is the `cursor` of the one after it."""
        asked = {"tenant": tenant, "month": month, "limit": limit, "cursor": cursor}
        return self._wire.get("/v1/invoices", InvoiceList, **asked)

    def invoice(self, invoice_id: str) -> InvoiceView:
        return self._wire.get(f"/v1/invoices/{quoted(invoice_id)}", InvoiceView)

    def invoice_document(self, invoice_id: str) -> bytes:
        """The request as PDF, in Chinese."""
        return self._wire.request("GET", f"/v1/invoices/{quoted(invoice_id)}/document").content

    def ask_invoice(self, wanted: InvoiceAsk) -> InvoiceView:
        """Ask for an invoice of a closed statement; the same again changes nothing."""
        return self._wire.create("/v1/invoices", wanted, InvoiceView, wanted.id)

    def issue_invoice(self, invoice_id: str, number: str) -> InvoiceView:
        """Note that it is issued, under this number."""
        return self._step(invoice_id, "issue", InvoiceIssued(number=number))

    def credit_invoice(
        self, invoice_id: str, number: str, reason: str, amount: str | None = None
    ) -> InvoiceView:
        """Note a credit note over some of it, or over all that is left."""
        given = {"amount": amount} if amount else {}
        credited = InvoiceCredited(number=number, reason=reason, **given)
        return self._step(invoice_id, "credit", credited)

    def withdraw_invoice(self, invoice_id: str) -> InvoiceView:
        """Take back a request that is not issued."""
        return self._step(invoice_id, "withdraw", None)

    def _step(
        self, invoice_id: str, verb: str, body: InvoiceIssued | InvoiceCredited | None
    ) -> InvoiceView:
        path = f"/v1/invoices/{quoted(invoice_id)}:{verb}"
        return read(self._wire.send("POST", path, body, new_key()), InvoiceView)

    def payments(self, tenant: str | None = None) -> PaymentList:
        """What was paid, and how each closed statement stands."""
        return self._wire.get("/v1/payments", PaymentList, tenant=tenant)

    def record_payment(self, wanted: PaymentRecord) -> PaymentView:
        """Write down a payment; the same again changes nothing."""
        return self._wire.create("/v1/payments", wanted, PaymentView, wanted.reference)

    # What centres get

    def settlement(
        self, centre: str | None = None, month: str | None = None, file_format: str = "json"
    ) -> bytes:
        """The statement of a centre, or of the platform, as `json`, `xlsx` or `pdf`."""
        parameters = {"centre": centre, "month": month, "format": file_format}
        return self._wire.request("GET", "/v1/settlements", parameters=parameters).content

    def terms(self) -> TermsList:
        return self._wire.get("/v1/terms", TermsList)

    def publish_terms(self, wanted: TermsPublish) -> TermsView:
        """Publish what a centre gets from a month on; the same again changes nothing."""
        key = f"{wanted.centre}@{wanted.month}"
        return self._wire.create("/v1/terms", wanted, TermsView, key)

"""What a claim rests on as sheets and JSON: contract, computation, invoices, payments."""

from collections.abc import Iterable

from accounting.bills.claims import Claim, ClaimRule, Contract
from accounting.bills.invoices import Invoice, Receipt
from accounting.bills.statement import Json
from accounting.calendar import day_of, iso_time
from accounting.exports.sheet import TOTAL, Column, Kind, Row, Sheet
from accounting.money import yuan_of_fen

CLAIM_FORMAT = "industry-brain/claim/1"

_INVOICE_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("request", "申请编号"),
    Column("month", "账期", Kind.WORD),
    Column("buyer", "购买方名称"),
    Column("credit_code", "统一社会信用代码", Kind.WORD),
    Column("state", "状态", Kind.WORD),
    Column("number", "发票号码"),
    Column("net", "金额(元)", Kind.NUMBER),
    Column("tax", "税额(元)", Kind.NUMBER),
    Column("gross", "价税合计(元)", Kind.NUMBER),
    Column("credited", "红冲金额(元)", Kind.NUMBER),
)
_PAYMENT_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("reference", "付款流水号"),
    Column("month", "账期", Kind.WORD),
    Column("paid_on", "到账日期", Kind.WORD),
    Column("amount", "金额(元)", Kind.NUMBER),
    Column("counted", "计入金额(元)", Kind.NUMBER),
)


def invoices_sheet(invoices: Iterable[Invoice]) -> Sheet:
    """Invoices of the months that a claim is about, and their total."""
    found = [*invoices]
    requests = [one.request for one in found]
    gross = sum(one.gross_fen for one in requests)
    net = sum(one.net_fen for one in requests)
    credited = sum(one.credited_fen for one in found)
    total: Row = (TOTAL, *[None] * 6, *map(yuan_of_fen, (net, gross - net, gross, credited)))
    return Sheet(_INVOICE_COLUMNS, [*map(_invoice, found), total])


def _invoice(one: Invoice) -> Row:
    request = one.request
    gross, net = request.gross_fen, request.net_fen
    return (
        "invoice",
        request.id,
        request.month,
        request.buyer_name,
        request.credit_code,
        one.state.value,
        one.number,
        *map(yuan_of_fen, (net, gross - net, gross, one.credited_fen)),
    )


def payments_sheet(counted: Iterable[tuple[Receipt, int]]) -> Sheet:
    """The payments that counted, what of each did, and their totals."""
    found = [*counted]
    paid = sum(receipt.amount_fen for receipt, _ in found)
    part = sum(fen for _, fen in found)
    total: Row = (TOTAL, None, None, None, yuan_of_fen(paid), yuan_of_fen(part))
    return Sheet(_PAYMENT_COLUMNS, [*map(_payment, found), total])


def _payment(counted: tuple[Receipt, int]) -> Row:
    receipt, fen = counted
    return (
        "payment",
        receipt.reference,
        receipt.month,
        day_of(receipt.paid_at_ms),
        yuan_of_fen(receipt.amount_fen),
        yuan_of_fen(fen),
    )


def claim_json(claim: Claim, rule: ClaimRule) -> Json:
    """The claim and its computation: by which rule, of what, and how much."""
    return {
        "format": CLAIM_FORMAT,
        "claim": claim.id,
        "tenant": claim.tenant_id,
        "contract": claim.contract,
        "claimed_at": iso_time(claim.at_ms),
        "by": claim.by,
        "rule": {
            "id": rule.id,
            "mode": rule.mode.value,
            "issuer": rule.issuer,
            "pool": rule.pool,
            "year": rule.year,
            "budget": yuan_of_fen(rule.budget_fen),
            "share_permille": rule.share_permille,
            "minimum": yuan_of_fen(rule.min_fen),
            "cap": yuan_of_fen(rule.cap_fen),
            "bars_related": rule.bars_related,
            "from": iso_time(rule.from_ms),
            "until": iso_time(rule.until_ms),
            "fields": list(rule.fields),
            "devices": list(rule.device_kind_ids),
            "centres": list(rule.centre_ids),
        },
        "computation": {
            "base": yuan_of_fen(claim.base_fen),
            "amount": yuan_of_fen(claim.amount_fen),
            "amount_fen": claim.amount_fen,
            "city": yuan_of_fen(claim.city_fen),
            "district": yuan_of_fen(claim.district_fen),
            "payments": list(claim.payments),
        },
    }


def contract_json(contract: Contract) -> Json:
    return {
        "contract": contract.number,
        "tenant": contract.tenant_id,
        "amount": yuan_of_fen(contract.amount_fen),
        "district": contract.district,
        "is_related": contract.is_related,
        "from": iso_time(contract.from_ms),
        "until": iso_time(contract.until_ms),
    }

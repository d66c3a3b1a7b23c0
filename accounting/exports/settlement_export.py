"""The statements of centres and of the platform as sheets; totals are those of the JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from accounting.exports.export import cell_of, objects, of_unit
from accounting.exports.sheet import TOTAL, Column, Kind, Row, Sheet

_CENTRE_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("centre", "算力中心"),
    Column("month", "账期", Kind.WORD),
    Column("device", "设备型号"),
    Column("cause", "退回原因"),
    Column("device_ms", "卡毫秒", Kind.INTEGER),
    Column("card_hours", "卡时", Kind.NUMBER),
    Column("price", "成本价(元/卡时或核时,含税)", Kind.NUMBER),
    Column("revenue", "收入(元,含税)", Kind.NUMBER),
    Column("covered", "其中资源包折合(元)", Kind.NUMBER),
    Column("share_permille", "分成(‰)", Kind.NUMBER),
    Column("vat_permille", "税率(‰)", Kind.INTEGER),
    Column("amount", "结算金额(元,含税)", Kind.NUMBER),
    Column("net", "不含税金额(元)", Kind.NUMBER),
    Column("tax", "税额(元)", Kind.NUMBER),
    Column("unit", "计量单位", Kind.WORD),
    Column("core_ms", "核毫秒", Kind.INTEGER),
    Column("core_hours", "核时", Kind.NUMBER),
)
_TENANT_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("tenant", "企业"),
    Column("gross", "价税合计(元)", Kind.NUMBER),
    Column("net", "不含税金额(元)", Kind.NUMBER),
    Column("tax", "税额(元)", Kind.NUMBER),
    Column("purchases", "资源包(元)", Kind.NUMBER),
    Column("vouchers", "算力券(元)", Kind.NUMBER),
    Column("due", "应付金额(元)", Kind.NUMBER),
    Column("sha256", "对账单校验和", Kind.WORD),
    Column("concessions", "异议折让(元)", Kind.NUMBER),
)
_COST_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("centre", "算力中心"),
    Column("terms", "结算方式", Kind.WORD),
    Column("card_hours", "卡时", Kind.NUMBER),
    Column("revenue", "收入(元,含税)", Kind.NUMBER),
    Column("covered", "其中资源包折合(元)", Kind.NUMBER),
    Column("gross", "成本(元,含税)", Kind.NUMBER),
    Column("net", "不含税成本(元)", Kind.NUMBER),
    Column("tax", "税额(元)", Kind.NUMBER),
    Column("ledger", "总账收入(元)", Kind.NUMBER),
    Column("sha256", "结算单校验和", Kind.WORD),
    Column("core_hours", "核时", Kind.NUMBER),
)
_VOUCHER_COLUMNS = (
    Column("row", "行类型", Kind.WORD),
    Column("issuer", "发放方"),
    Column("receivable", "应收(元)", Kind.NUMBER),
)
_SUMMARY_COLUMNS = (
    Column("key", "键", Kind.WORD),
    Column("name", "项目", Kind.WORD),
    Column("amount", "金额(元)", Kind.NUMBER),
)
_SUMMARY = (
    ("totals", "gross", "用量收入（价税合计）"),
    ("totals", "net", "不含税用量收入"),
    ("totals", "tax", "用量销项税额"),
    ("totals", "purchases", "资源包收入（价税合计）"),
    ("totals", "purchases_net", "不含税资源包收入"),
    ("totals", "purchases_tax", "资源包销项税额"),
    ("totals", "concessions", "异议折让（价税合计）"),
    ("totals", "concessions_net", "不含税异议折让"),
    ("totals", "concessions_tax", "异议折让税额"),
    ("totals", "vouchers", "算力券抵扣"),
    ("totals", "due", "企业应付"),
    ("totals", "cost", "成本（价税合计）"),
    ("totals", "cost_net", "不含税成本"),
    ("totals", "cost_tax", "进项税额"),
    ("totals", "margin", "毛利（不含税）"),
    ("ledger", "posted", "总账入账"),
    ("ledger", "given_back", "总账退回"),
    ("ledger", "income", "总账收入"),
    ("ledger", "rounding", "舍入差"),
    ("ledger", "rounding_max", "舍入差上限"),
    ("ledger", "sold", "总账资源包收款"),
)


def centre_sheet(body: bytes) -> Sheet:
    """A centre's statement: lines, corrections, and their total."""
    said = json.loads(body)
    total = {**said["totals"], "amount": said["totals"]["gross"], "centre": said["centre"]}
    parts = (("line", said["lines"]), ("correction", said["corrections"]))
    lines = [(kind, {**line, **of_unit(line)}) for kind, some in parts for line in some]
    rows = (
        _row(kind, _CENTRE_COLUMNS, {"centre": said["centre"], "month": said["month"], **line})
        for kind, line in (*lines, (TOTAL, total))
    )
    return Sheet(_CENTRE_COLUMNS, rows)


def platform_sheets(body: bytes) -> Mapping[str, Sheet]:
    """The platform's statement by part: summary, tenants, centres, vouchers."""
    said = json.loads(body)
    totals = said["totals"]
    cost = {
        "revenue": totals.get("revenue", totals["gross"]),
        "covered": totals.get("covered"),
        "gross": totals["cost"],
        "net": totals["cost_net"],
        "tax": totals["cost_tax"],
        "ledger": said["ledger"]["income"],
    }
    summary = (
        (f"{part}.{key}", name, said[part][key])
        for part, key, name in _SUMMARY
        if key in said[part]  # of earlier forms some are not there
    )
    return {
        "汇总": Sheet(_SUMMARY_COLUMNS, summary),
        "企业": _part(_TENANT_COLUMNS, "tenant", said["tenants"], totals),
        "算力中心": _part(_COST_COLUMNS, "centre", said["centres"], cost),
        "算力券": _part(
            _VOUCHER_COLUMNS, "voucher", said["vouchers"], {"receivable": totals["vouchers"]}
        ),
    }


def _part(
    columns: Sequence[Column], kind: str, lines: object, total: Mapping[str, object]
) -> Sheet:
    return Sheet(columns, _rows(columns, kind, objects(lines), total))


def _rows(
    columns: Sequence[Column],
    kind: str,
    lines: Iterable[Mapping[str, object]],
    total: Mapping[str, object],
) -> Iterator[Row]:
    for line in lines:
        yield _row(kind, columns, line)
    yield _row(TOTAL, columns, total)


def _row(kind: str, columns: Sequence[Column], line: Mapping[str, object]) -> Row:
    return (kind, *(cell_of(line.get(column.key)) for column in columns[1:]))

"""How the statements of centres and of the platform look in a terminal."""

from collections.abc import Mapping
from typing import Any

from api.cli.language import both
from api.cli.terminal import console, plain, table
from api.cli.terms import KINDS

Shown = Mapping[str, Any]


def print_settlement(shown: Shown) -> None:
    """A statement as the broker's JSON has it."""
    state = both(
        f"({shown['state']})", {"draft": "（草稿）", "closed": "（已关账）"}[shown["state"]]
    )
    party = plain(shown.get("centre") or both("platform", "平台"))
    console.print(f"[bold]{party}  {shown['month']}[/]  {state}")
    if "centre" in shown:
        _print_centre(shown)
    else:
        _print_platform(shown)


def _print_centre(shown: Shown) -> None:
    if shown["terms"] is None:
        console.print(both("[red]no terms: nothing is owed[/]", "[red]未约定结算条件[/]"))
    made = table(
        both("month", "账期"),
        both("kind", "型号"),
        both("cause", "退回原因"),
        both("card-h", "卡时"),
        both("price or share", "成本价或分成"),
        both("yuan", "金额（元）"),
        numbers=(3, 4, 5),
    )
    for line in (*shown["lines"], *shown["corrections"]):
        share = line.get("share_permille")
        terms = line.get("price") or (f"{float(share) / 10:g} %" if share else "")
        made.add_row(
            line["month"],
            plain(line["device"]),
            plain(line["cause"] or ""),
            line["card_hours"],
            terms,
            line["amount"],
        )
    console.print(made)
    totals = shown["totals"]
    console.print(
        both(
            f"owed {totals['gross']} CNY = {totals['net']} + VAT {totals['tax']}",
            f"应结算 {totals['gross']} 元 = 不含税 {totals['net']} + 税额 {totals['tax']}",
        )
    )


def _print_platform(shown: Shown) -> None:
    tenants = table(
        both("tenant", "企业"),
        both("gross", "价税合计"),
        both("net", "不含税"),
        both("tax", "税额"),
        both("packages", "资源包"),
        both("vouchers", "算力券"),
        both("due", "应付"),
        numbers=(1, 2, 3, 4, 5, 6),
    )
    names = ("gross", "net", "tax", "purchases", "vouchers", "due")
    for one in shown["tenants"]:
        tenants.add_row(plain(one["tenant"]), *(one.get(name, "0.00") for name in names))
    totals = shown["totals"]
    sums = (totals.get(name, "0.00") for name in names)
    tenants.add_row(both("[bold]total[/]", "[bold]合计[/]"), *sums)
    console.print(tenants, "")
    centres = table(
        both("centre", "算力中心"),
        both("terms", "结算方式"),
        both("card-h", "卡时"),
        both("revenue", "收入"),
        both("cost", "成本"),
        numbers=(2, 3, 4),
    )
    for one in shown["centres"]:
        terms = KINDS.get(one["terms"], one["terms"]) or both("[red]none[/]", "[red]未约定[/]")
        centres.add_row(
            plain(one["centre"]), terms, one["card_hours"], one["revenue"], one["gross"]
        )
    console.print(centres, "")
    for one in shown["vouchers"]:
        console.print(
            both(
                f"{plain(one['issuer'])} owes {one['receivable']} CNY for vouchers",
                f"{plain(one['issuer'])} 应付算力券 {one['receivable']} 元",
            )
        )
    _print_margin(totals)
    _print_ledger(shown["ledger"])


def _print_margin(totals: Shown) -> None:
    net, sold, cost = totals["net"], totals.get("purchases_net", "0.00"), totals["cost_net"]
    granted = totals.get("concessions_net", "").lstrip("-")
    less, less_zh = (f" - granted {granted}", f" - 异议折让 {granted}") if granted else ("", "")
    console.print(
        both(
            f"margin {totals['margin']} CNY = {net} + packages {sold}{less} - cost {cost}, "
            "before tax",
            f"毛利 {totals['margin']} 元 = 不含税用量收入 {net} + 资源包 {sold}{less_zh}"
            f" - 成本 {cost}",
        )
    )


def _print_ledger(ledger: Shown) -> None:
    if ledger["agrees"]:
        text = f"[green]✓[/] the ledger agrees: {ledger['income']}, rounding {ledger['rounding']}"
        zh = f"[green]✓[/] 与总账一致：{ledger['income']}，舍入差 {ledger['rounding']}"
    else:
        text = f"[red]✗ the ledger has {ledger['income']}: {ledger['rounding']} less[/]"
        zh = f"[red]✗ 与总账不符：总账 {ledger['income']}，相差 {ledger['rounding']}[/]"
    console.print(both(text, zh))
    if not ledger.get("sales_agree", True):
        sold = ledger["sold"]
        english = f"[red]✗ the ledger has {sold} for packages[/]"
        console.print(both(english, f"[red]✗ 资源包收款与总账不符：总账 {sold}[/]"))

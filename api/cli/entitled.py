"""Options that say what is a branch's own, and how much it borrows and lends."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import both, counted
from api.cli.terminal import fail, plain

if TYPE_CHECKING:
    from api.schemas.administration import CohortView, ProjectView, TenantView

    View = TenantView | ProjectView | CohortView

TFLOPS = "tflops"
NONE = "none"
NAMES = ("nominal", "borrowing", "lending")
_WORD = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})=(\d{1,13}|none)")


def _amount(text: str) -> tuple[str, str]:
    found = _WORD.fullmatch(text)
    if found is None:
        shown = repr(text[:64])
        english = f"{shown} is no KIND=CARDS, tflops=NUMBER or KIND=none"
        chinese = f"{shown} 应为 型号=卡数、tflops=数值 或 型号=none"
        raise typer.BadParameter(both(english, chinese))
    return found[1], found[2]


def _option(english: str, chinese: str) -> object:
    shown = both("KIND=CARDS", "型号=卡数")
    return typer.Option(metavar=shown, help=both(english, chinese))


Nominal = Annotated[
    list[str] | None,
    _option(
        "its own cards of a kind, or tflops=NUMBER over all kinds; =none takes it away",
        "某型号的额定卡数，或 tflops=数值（合计算力）；=none 取消",
    ),
]
Borrowing = Annotated[
    list[str] | None,
    _option(
        "the most it may hold beyond its own; =none: no limit", "额定之外最多可借用；=none 不限"
    ),
]
Lending = Annotated[
    list[str] | None,
    _option(
        "the most of its own that others may use; =none: all of it",
        "额定之中最多可借出；=none 全部可借出",
    ),
]
Nodes = Annotated[
    list[str] | None,
    typer.Option(
        "--nodes",
        metavar=both("POOL=NODES", "资源池=节点数"),
        help=both(
            "whole nodes of a pool that are its own as well; =none takes them away",
            "某资源池中保障的整节点数；=none 取消",
        ),
    ),
]
Amounts = list[str] | None


def changed(
    known: "View | None", nominal: Amounts, borrowing: Amounts, lending: Amounts
) -> dict[str, object]:
    """The fields of an `Entitled`: what is not named stays as it is."""
    found: dict[str, object] = {}
    for name, asked in zip(NAMES, (nominal, borrowing, lending), strict=True):
        cards: dict[str, int] = dict(getattr(known, f"{name}_cards", {}))
        tflops: int | None = getattr(known, f"{name}_tflops", None)
        for unit, text in map(_amount, asked or ()):
            if unit == TFLOPS:
                tflops = None if text == NONE else int(text)
            else:
                cards = with_amounts(cards, [f"{unit}={text}"])
        found |= {f"{name}_cards": cards, f"{name}_tflops": tflops}
    return found


def with_amounts(known: dict[str, int], asked: Amounts) -> dict[str, int]:
    """The same, with what is named as it is said now."""
    found = dict(known)
    for name, text in map(_amount, asked or ()):
        found.pop(name, None)
        if text != NONE:
            found[name] = int(text)
    return found


def refuse(detail: dict[str, object]) -> None:
    """Say which option pydantic does not accept."""
    from api.schemas.complaints import problem

    place = detail["loc"]
    assert isinstance(place, tuple)
    option = str(place[0]).removesuffix("_cards").removesuffix("_tflops").replace("_", "-")
    fail(f"--{option}: {problem(detail)}", 2)


def own(view: "View") -> str:
    """Its nominal quota, with what it borrows and lends at most: `npu 8 +4 -2`."""
    shown = [
        _shown(unit, *(getattr(view, f"{name}_cards").get(unit) for name in NAMES))
        for unit in sorted({one for name in NAMES for one in getattr(view, f"{name}_cards")})
    ]
    tflops = [getattr(view, f"{name}_tflops") for name in NAMES]
    if any(one is not None for one in tflops):
        shown.append(_shown(TFLOPS, *tflops))
    whole = getattr(view, "nominal_nodes", {})
    shown += [
        f"{pool_id} {both(counted(nodes, 'node'), f'{nodes} 个节点')}"
        for pool_id, nodes in sorted(whole.items())
    ]
    return plain(", ".join(shown)) or "-"


def also_own(view: "View") -> str:
    """The same as the rest of a sentence; empty where nothing is said."""
    shown = own(view)
    return "" if shown == "-" else both(f", own {shown}", f"，额定 {shown}")


def _shown(unit: str, nominal: int | None, borrowing: int | None, lending: int | None) -> str:
    more = "" if borrowing is None else f" +{borrowing}"
    less = "" if lending is None else f" -{lending}"
    return f"{unit} {nominal or 0}{more}{less}"

"""Whatever is refused is told in Chinese as well."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.chinese import CATALOGUE, chinese
from api.cli.closing_tables import PARTS_ZH
from scheduler.model.limits import limit_problems
from scheduler.storage.reconciling import _NAMES
from tests.builders import a_park, a_pool, a_state, a_tenant
from tests.entitled import Own

ROOT = Path(__file__).parents[3]
REFUSALS = re.compile(
    r"Refused|_?wrong|_not_now|\w+Refused|CannotClose|NoEvidence|NotWhole|Checked"
)
RAISED = {"ValueError", "StatementAltered", "PriceMissing"}
HOLE = "◦"
FILLED = ("8", "tenant 8", "tenants", "tenant", "a second", "is disputed already")
"""What may stand there; one of them must make a sentence."""
COUNTED = f"{HOLE} in the request{HOLE}"
"""`2 errors in the request, of which 1 are shown`: three sentences, by number."""
RETURNING = [
    *(ROOT / "scheduler/facts").glob("[dhpq]*s.py"),
    ROOT / "scheduler/facts/held.py",
    ROOT / "scheduler/model/custody.py",
]
YIELDING = [
    ROOT / "api/schemas/role_spec.py",
    *(ROOT / "api/files").glob("*.py"),
    *(ROOT / "scheduler/model" / f"{name}.py" for name in ("limits", "promises")),
    *(ROOT / "accounting/bills" / f"{name}.py" for name in ("claims", "terms")),
    *(ROOT / "accounting/prices" / f"{name}.py" for name in ("packages", "rating", "vouchers")),
]
SERVED = [
    *(path for path in (ROOT / "accounting").rglob("*.py") if path.name != "verifying.py"),
    *(ROOT / "api/routes").glob("*.py"),
    *(
        ROOT / "api" / f"{name}.py"
        for name in (
            *("asking", "auth", "bodies", "declared", "errors", "evidence_check", "gauge"),
            *("honouring", "promised", "questions", "streams", "submission"),
        )
    ),
    *(ROOT / "api/schemas").glob("*.py"),
]

ENDING = [
    *(ROOT / "cluster").glob("*.py"),
    ROOT / "scheduler/controller.py",
    ROOT / "scheduler/storage/rows.py",
]
ENDS = re.compile(
    r"(.*\.)?(_?refuse|_give_up|_write_end|lose|NodeFailed|Bad[A-Z]\w+|End|\w+Report)"
)
"""Why an attempt or a job ended, which its owner reads."""


def said(node: ast.AST | None) -> str:
    """A text, with `HOLE` where something is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(said(one) or HOLE for one in values)
        case _:
            return ""


def sentences() -> Iterator[str]:
    for paths, is_one in ((SERVED, is_refusal), (ENDING, is_end)):
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and is_one(node.func):
                    yield from map(said, [*node.args, *(one.value for one in node.keywords)])
    for paths, kind in ((RETURNING, ast.Return), (YIELDING, ast.Yield)):
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, kind):
                    yield said(node.value)


def is_refusal(function: ast.expr) -> bool:
    name = ast.unparse(function)
    return bool(REFUSALS.fullmatch(name)) or name in RAISED


def is_end(function: ast.expr) -> bool:
    return bool(ENDS.fullmatch(ast.unparse(function)))


COMPOSED = {
    f"tenant {HOLE}: {HOLE}, and it guarantees whole racks of {HOLE} nodes",
    f"{HOLE} cannot be an attempt's name",
    f"{HOLE} cards wanted, {HOLE} are free on the node",
    f"{HOLE} is no price for {HOLE}: 0 at least, and less than {HOLE}",
    f"{HOLE} is {HOLE} by its highest multipliers: it must be less than {HOLE}",
    f"{HOLE}: declare another tenant for what comes next",
    f"{HOLE}: it says {HOLE} fen, and comes to {HOLE}",
    (
        f"{HOLE}: with {HOLE} {HOLE} it may hold {HOLE}, and {HOLE} holds at most {HOLE} by its "
        f"{HOLE}: lower the first to {HOLE}, or raise the second before"
    ),
    f"{HOLE}: {HOLE} is no price of list {HOLE}",
    f"{HOLE}: {HOLE} {HOLE}, more than its own {HOLE}",
    f"{HOLE}, and it has {HOLE}{HOLE}",
    f"{HOLE}noted by the root of {HOLE}",
    f"tenant {HOLE} has what it needs, or was told already",
}
"""What is filled in is a sentence, or has its unit: the catalogue has them whole. The last one the
leader says to itself."""
ENGLISH = re.compile(r"(?:[a-z']+ ){3}[a-z']+")
"""So many words in a row are no name: a pattern that is too wide has left them as they were."""
FOUND = [
    ROOT / "accounting/proof/verifying.py",
    ROOT / "accounting/months/settling.py",
    *(ROOT / "accounting/storage" / f"{name}.py" for name in ("activity_hours", "hours")),
    *(ROOT / "accounting/storage" / f"{name}.py" for name in ("concession_store", "tax_store")),
    ROOT / "scheduler/storage/reconciling.py",
]
FINDERS = {"_wrong", "_not_closed_so", "what"}
"""Functions that answer with what is wrong."""


def findings() -> Iterator[str]:
    """Of a misfit, or a difference, its part and what is wrong."""
    for path in FOUND:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Misfit" | "Difference")):
                    yield from (said(one.value) for one in node.keywords if one.arg != "row")
                case ast.Call(func=ast.Name(id="_only" | "_Unplayable")):
                    yield from map(said, node.args)
                case ast.Assign(targets=[ast.Name(id="what" | "part")]):
                    value = node.value
                    ways = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                    yield from map(said, ways)
                case ast.Yield(value=ast.Tuple(elts=[_, what])):
                    yield said(what)
                case ast.FunctionDef(name=name) if name in FINDERS:
                    returned = (one for one in ast.walk(node) if isinstance(one, ast.Return))
                    yield from (said(one.value) for one in returned)


AMISS = sorted({text for text in findings() if " " in text})
EVERY = sorted({text for text in sentences() if " " in text} - {COUNTED})


def test_there_are_sentences_to_look_at() -> None:
    assert len(EVERY) > 200


@pytest.mark.parametrize("text", EVERY)
def test_every_refusal_has_its_chinese(text: str) -> None:
    told = [found for one in FILLED if (found := chinese(text.replace(HOLE, one)))]

    assert told, f"add to {CATALOGUE.name}: {text}"
    assert re.search(r"[\u4e00-\u9fff]", told[0])
    bare = [one.replace(FILLED[-1], "") for one in told]
    assert text in COMPOSED or not all(map(ENGLISH.search, bare)), f"too wide a pattern: {told[0]}"


def test_there_is_much_that_may_be_amiss() -> None:
    assert len(AMISS) > 25


@pytest.mark.parametrize("text", AMISS)
def test_whatever_does_not_fit_in_the_books_has_its_chinese(text: str) -> None:
    known = text in PARTS_ZH or chinese(text.replace(HOLE, "8"))

    assert known, f"add to {CATALOGUE.name}: {text}"


def test_every_part_of_the_books_has_its_chinese() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in FOUND)
    parts = set(re.findall(r'part="([^"]+)"', source)) | {*_NAMES.values()}

    assert parts <= PARTS_ZH.keys()


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("there is no tenant t99", "没有企业 t99"),
        (
            "a key of role tenant or finance is needed; this one is of operator",
            "需要企业或财务的密钥；当前密钥属于运营方",
        ),
        (
            "the voucher cannot be issued: ocean is unknown",
            "算力券无法签发：没有 ocean",
        ),
        (
            "payment z is 9.00 yuan, and of the statement of 2026-10 of tenant steel 5.00 are open",
            "付款 z 为 9.00 元，而企业 steel 2026-10 的对账单未付 5.00 元",
        ),
        (
            "payment z is 9.00 yuan, and of invoice request i1 of 2026-10 of tenant s 5 are open",
            "付款 z 为 9.00 元，而企业 s 2026-10 的发票申请 i1 未付 5 元",
        ),
        (
            (
                "9.00 yuan cannot be granted: what is disputed of the statement 2026-09 of tenant "
                "a comes to 8.00, due of all of it are 7.00 (after 1.00 given back since it was "
                "closed), and less what was granted before 6.00 may be"
            ),
            (
                "不能给予折让 9.00 元：企业 a 2026-09 的对账单中有异议的部分合计 8.00 元，"
                "整张应付 7.00 元（已扣除关账后退回的 1.00 元），扣除此前的折让后最多可给予 6.00 元"
            ),
        ),
        ("there is no invoice request i1", "没有发票申请 i1"),
        ("the job on 6 cards could never run", "6 张卡的作业无法运行"),
        ("job 2 of 3 on 8 cores could never run", "第 2 个作业（共 3 个）按 8 个核无法运行"),
        (
            "job 2 of 3 as its variant 1, 8 cards, could never run",
            "第 2 个作业（共 3 个）的第 1 个备选规格（8 张卡）无法运行",
        ),
        ("invoice request i1 is requested: it cannot be credited", "发票申请 i1 已申请，不能红冲"),
        ("invoice request i1 is issued: it cannot be withdrawn", "发票申请 i1 已开具，不能撤回"),
        ("statement", "对账单"),
        ("Input should be greater than or equal to 1", "应不小于 1"),
        ("Input should be 'low', 'normal' or 'high'", "应为 'low'、'normal' 或 'high' 之一"),
        ("job {0} is over: it has failed", "作业 {0} 已结束：失败"),
        ("Invalid value: 'x' 应为 型号=元", "值有误：'x' 应为 型号=元"),
        ("role tenant needs it", "企业角色须填写此项"),
        ("only for role agent", "仅用于中心代理角色"),
        (
            "name jobs of the same tenant that may still succeed",
            "请指明同一企业中尚可能成功的作业",
        ),
        ("did you mean project?", "是否想写 project？"),
        ("did you mean project or job?", "是否想写 project 或 job？"),
        ("there is no tenant failed", "没有企业 failed"),
        ("member 0: node lsl-a800-n001 is not there", "成员 0：节点 lsl-a800-n001 不可用"),
        ("job j1, which it was to follow, did not succeed", "前置作业 j1 未成功"),
        ("No such command 'job'. Did you mean jobs?", "没有命令 job，是否想写 jobs？"),
        ("Got unexpected extra argument(s) (node)", "多余的参数：node"),
        ("'job' is not one of 'a', 'b', 'c'.", "'job' 不在可选值之中：'a'、'b'、'c'"),
        ("did you mean device or devices?", "是否想写 device 或 devices？"),
    ],
)
def test_what_stands_in_a_sentence_is_told_in_chinese_too(english: str, expected: str) -> None:
    assert chinese(english) == expected


def test_limits_that_contradict_are_told_with_their_numbers() -> None:
    own: Own = {"nominal_cards": (("npu", 2),), "borrowing_cards": (("npu", 7),)}
    state = a_state(a_tenant("steel", max_cards=8, **own), park=a_park(a_pool("east-npu", 3, 8)))
    assert state.park is not None
    (problem,) = limit_problems(state.tree, state.park)

    assert chinese(problem) == (
        "企业 steel：borrowing_cards 中 npu 为 7，可占用 9，而企业 steel 按 max_cards 最多占用 8："
        "请把前者降到 6，或先提高后者"
    )


def test_what_nobody_has_written_is_no_sentence() -> None:
    assert chinese("quite another thing") is None
    assert chinese("there is no tenant " + "x" * 2_000) is None
    assert chinese("") is None


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("there is no job x", "没有作业 x"),
        ("there is no frobnicator x", "没有 frobnicator x"),
        ("role auditor needs it", "auditor 角色须填写此项"),
        ("role tenant needs it", "企业角色须填写此项"),
        ("expected ',' or ']', but got '<stream end>'", "此处应为逗号或 ]，而不是文件末尾"),
        ("the statement is there already, and is another", "对账单已存在，且内容不同"),
    ],
)
def test_a_space_stands_between_chinese_and_what_is_not(english: str, told: str) -> None:
    assert chinese(english) == told

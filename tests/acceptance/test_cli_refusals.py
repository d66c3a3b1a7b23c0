"""What the command line refuses: in a paragraph that says what, which, and what to do."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.arguments import prepared
from api.cli.language import language
from api.client.profile import Profile, write_profile
from api.commands import app
from api.running.ports import free_port
from tests.acceptance.brokers import Served
from tests.acceptance.processes import brain

pytestmark = pytest.mark.enable_socket

PARAGRAPH_LINES_MAX = 12
WRONG_USE, FAILED = 2, 1
BUYER = ("--buyer", "B", "--code", "91370200163562681G")
DAYS = ("--from", "2026-01-01", "--until", "2027-01-01")
VOUCHER = ("v", "--tenant", "t", "--issuer", "i", "--contract", "c", "--amount", "1", *DAYS)
RULE = ("r", "--issuer", "i", "--pool", "p", "--year", "2026", "--budget", "1", "--cap", "1", *DAYS)
NO_ARRAY = f"a{0:026}"


@pytest.fixture(autouse=True)
def nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("BRAIN_") and name != "BRAIN_LANG":
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRAIN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def keeps_signals() -> Iterator[None]:
    """For commands that change how this process ends, as is right where it is theirs."""
    kept = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def refused(*words: str, code: int, **variables: str) -> str:
    """What a command says that ends with this code; run in this process, which is quicker."""
    done = CliRunner().invoke(app, prepared(list(words)), env=variables, prog_name="brain")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return paragraph(done.stdout, done.stderr, done.exit_code, code)


def refused_as_process(*words: str, code: int, **variables: str) -> str:
    own = {"BRAIN_DATA": os.environ["BRAIN_DATA"], **variables}
    done = brain(*words, cwd=None, **own)
    return paragraph(done.stdout, done.stderr, done.returncode, code)


def paragraph(printed: str, said: str, ended: int, code: int) -> str:
    """The error without its line breaks and its frame; it is all there is."""
    assert ended == code, said or printed
    assert printed == ""
    assert "Traceback" not in said
    assert 1 <= len(said.strip().splitlines()) <= PARAGRAPH_LINES_MAX
    return " ".join(said.replace("│", " ").split())


JOBS = {
    "devices: many": "devices: a whole number is needed",
    "devices: 8.5": "devices: Input should be a valid integer",
    "devices: true": "devices: a whole number is needed",
    "devices: -1": "devices: Input should be greater than or equal to 1",
    "devices: 99999999999999": "devices: Input should be less than or equal to 100000",
    "devices: .inf": "'.inf' is no plain number",
    "limit: soon": "limit: 'soon' is no duration: write it like 4h, 90m, 1h30m or 45s",
    "limit: -5m": "limit: '-5m' is no duration",
    "limit: 99999h": "limit: a duration from 1s to 366d is needed here",
    "colour: red": "colour: Extra inputs are not permitted",
    "priority: urgent": "priority: Input should be 'low', 'normal' or 'high'",
    'name: "a\\eb"': "name: control characters are not allowed",
    'command: "a\\0b"': "command: NUL is not allowed",
    "command: [a, b]": "command: Input should be a valid string",
    "project: ../other": "project: needs 1 to 64 letters, digits, dots, _ or -",
    "checkpoint: {dir: ../..}": "checkpoint.dir: give a path inside the working directory",
    "env: {BRAIN_JOB_ID: x}": "BRAIN_JOB_ID is set by the broker; choose another name",
    "env: {A B: x}": "'A B' is no variable name",
    "workdir: /data/../etc": "workdir: give a path without '..'",
    "workdir: nowhere": "nowhere: no such folder",
    "workdir: job.yaml": "job.yaml: is a file, not a folder",
    "workdir: linked": "the link out leads out of the folder, to /etc/passwd; replace it by a copy",
    "workdir: looping": "the link loop leads to itself: remove it",
    "command: *all": "aliases (*name) are not allowed",
    "command: [": "line 3, column 1: expected",
    "command: a\ncommand: b": "'command' is given twice",
}


@pytest.mark.parametrize(("lines", "says"), JOBS.items(), ids=JOBS.keys())
def test_a_job_file_that_is_none(tmp_path: Path, lines: str, says: str) -> None:
    for folder, link, target in (("linked", "out", "/etc/passwd"), ("looping", "loop", "loop")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / link).symlink_to(target)
    own = {line.partition(":")[0] for line in lines.splitlines()}
    rest = [line for line in ("command: 'true'", "devices: 1") if line.partition(":")[0] not in own]
    (tmp_path / "job.yaml").write_text("\n".join([*rest, lines]) + "\n")

    assert says in refused("submit", "job.yaml", code=WRONG_USE)


def test_who_reads_chinese_is_refused_in_chinese(
    park: Served, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the broker, by the client before it asks, and where no broker answers."""
    monkeypatch.setenv("BRAIN_LANG", "zh")
    operator = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["operator"]}
    language.cache_clear()
    try:
        role = refused("close", "2026-01", code=FAILED, **operator)
        many = refused("tenants", "set", "steel", "--borrowing", "tpu=1", code=FAILED, **operator)
        key = refused("jobs", code=FAILED, **(operator | {"BRAIN_API_KEY": "brk_a_b"}))
        nobody = refused("jobs", "--limit", "1", code=FAILED, BRAIN_URL="http://127.0.0.1:9")
    finally:
        monkeypatch.setenv("BRAIN_LANG", "en")
        language.cache_clear()

    assert role == "错误：需要财务的密钥；当前密钥属于运营方"
    assert "企业 steel：borrowing_cards 中的 tpu 不存在" in many
    assert "borrowing_cards：请减少其数量，或先调整其他分支" in many
    assert "该密钥不存在或已作废 请将 BRAIN_API_KEY 设为该调度服务的密钥" in key
    assert "http://127.0.0.1:9 没有调度服务响应" in nobody


def test_whoever_has_all_tenants_says_whose_money_it_is(
    park: Served, address: str, tmp_path: Path
) -> None:
    write_profile(tmp_path / "data", Profile(url=address, tenant="steel", keys=park.keys))
    finance = ("--as", "finance")

    for words in (("statement",), ("budgets", "set", "5"), ("invoices", "ask", "2026-10", *BUYER)):
        assert "whose? add --tenant, one of fish, " in refused(*finance, *words, code=WRONG_USE)
    shown = CliRunner().invoke(app, [*finance, "statement", "--tenant", "fish"])
    assert shown.stdout.startswith("fish  20")
    assert CliRunner().invoke(app, ["statement"]).stdout.startswith("steel  20")


def test_a_budget_of_nothing_is_told_to_be_removed(
    park: Served, address: str, tmp_path: Path
) -> None:
    write_profile(tmp_path / "data", Profile(url=address, tenant="steel", keys=park.keys))

    done = CliRunner().invoke(app, ["--as", "steel", "budgets", "set", "0", "--project", "none"])

    assert done.stdout == "none: its budget is removed\n"


def test_an_amount_that_is_none_is_told_by_a_sentence() -> None:
    said = refused("budgets", "set", "1,000", code=WRONG_USE)

    assert said == (
        "error: amount: an amount is in yuan, such as 3.50: digits, at most 6 decimals, "
        "no sign and no comma"
    )


def test_a_folder_that_is_too_large_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(os.urandom(1 << 20) * 65)

    said = refused("submit", "--workdir", ".", "--", "true", code=WRONG_USE)

    assert "larger than 256 MiB, or 64 MiB packed; ship code only" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "../keys"], "'../keys' is no job's id: `brain jobs` lists them"),
        (["why", ""], "'' is no job's id"),
        (["logs", "A"], "'A' is no job's id"),
        (["cancel", "a\nb"], "is no job's id"),
        (["why", NO_ARRAY], f"{NO_ARRAY} is an array: name one of its tasks; `brain jobs --array"),
        (["logs", NO_ARRAY], f"{NO_ARRAY} is an array: name one of its tasks"),
        (
            ["submit", "--array", "5-3", "--", "true"],
            "array.indices: 5-3 runs backwards: write 3-5",
        ),
        (["submit", "--array", "0-10000", "--", "true"], "10001 tasks are more than the 10000"),
        (["submit", "--array", "many", "--", "true"], "array: 'many' is no array: write numbers"),
        (["keys", "revoke", "../x"], "'../x' is no key's id: `brain keys` lists them"),
        (["usage", "--month", "2026-13"], "'2026-13' is no month: 2026-10"),
        (["statement", "--month", "0000-01"], "'0000-01' is no month"),
        (["export", "usage", "--month", "x"], "'x' is no month"),
        (["export", "everything"], "focus': 'everything' is not one of 'usage', 'charges'"),
        (["export", "usage", "--format", "xlsx"], "'xlsx' is not one of 'csv', 'jsonl', 'parquet'"),
        (["projects", "set", "a/b", "--name", "P"], "'a/b' is no id: letters, digits"),
        (["projects", "set", "p", "--weight", "0"], "greater than or equal to 1"),
        (["cohorts", "set", "c", "--max-cards", "-1"], "greater than or equal to 0"),
        (["keys", "create", "--role", "king"], "--role: Input should be 'tenant', 'operator'"),
        (["--url", "nonsense", "jobs"], "--url nonsense: the broker's address is written like"),
        (["--url", "http://[", "jobs"], "--url http://[: the broker's address"),
        (["--url", "http://host:99999", "jobs"], "the broker's address is written like"),
        (["--as", "../x", "jobs"], "no key is called ../x"),
        (["jobs", "--lang", "fr"], "Invalid value for '--lang': 'fr' is not one of 'en', 'zh'"),
        (["jobs", "--limit", "-1"], "Input should be greater than or equal to 1"),
        (["terms", "publish", "c", "2026-10", "--share", "nan"], "less than or equal to 100"),
        (["terms", "publish", "c", "2026-10", "--share", "170"], "less than or equal to 100"),
        (["terms", "publish", "c", "2026-10", "--share", "3.33"], "'3.33' is no percentage: 0"),
        (["terms", "publish", "c", "2026-10", "--tier", "0=nan"], "'nan' is no percentage: 0"),
        (["terms", "publish", "c", "2026-10", "--tier", "0=170"], "'170' is no percentage: 0"),
        (["terms", "publish", "c", "2026-10", "--tier", "inf=5"], "'inf' is no whole number"),
        (["terms", "publish", "c", "2026-10", "--share", "5", "--tax", "nan"], "equal to 100"),
        (
            ["terms", "publish", "c", "2026-10", "--share", "5", "--tax", "6.55"],
            "'6.55' is no perc",
        ),
        (["vouchers", "issue", *VOUCHER, "--share", "33.33"], "'33.33' is no percentage: 0 to 100"),
        (["claims", "rule", *RULE, "--share", "33.33"], "'33.33' is no percentage: 0 to 100"),
        (["top", "--every", "0"], "Input should be greater than or equal to 0.5"),
        (["up", "--port", "80000"], "Input should be less than or equal to 65535"),
        (["agent", "--centre", "lsl", "--ray-address", "a:1"], "go together"),
    ],
    ids=repr,
)
def test_words_that_cannot_be_meant(words: list[str], says: str) -> None:
    assert says in refused(*words, code=WRONG_USE)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("BRAIN_API_KEY", "密钥", "BRAIN_API_KEY: this is no key"),
        ("BRAIN_API_KEY", "brk_a\nbrk_b", "BRAIN_API_KEY: this is no key"),
        ("BRAIN_URL", "nonsense", "BRAIN_URL: the broker's address is written like"),
        ("BRAIN_LOG_LEVEL", "loud", "BRAIN_LOG_LEVEL: Input should be 'debug', 'info'"),
        ("BRAIN_DATA", "~nobody-at-all/x", "there is no such user here"),
        ("BRAIN_DATA", "/dev/null/x", "/dev/null/x/keys.json cannot be read: Not a directory"),
    ],
)
def test_settings_that_cannot_be_meant(name: str, text: str, says: str) -> None:
    assert says in refused("jobs", code=WRONG_USE, **{name: text})


def test_a_broken_file_of_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "keys.json").write_text("{}")

    assert "data/keys.json cannot be used (errors: 3): remove it" in refused("jobs", code=WRONG_USE)
    assert CliRunner().invoke(app, ["doctor"]).exit_code == FAILED


def test_doctor_names_what_is_owned_in_tflops_beyond_the_cards_of_a_cohort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (Path(__file__).parents[1] / "data" / "small-park.yaml").read_text("utf-8")
    cohort = "cohorts: [{id: coast, name: C, nominal_cards: {ascend-910b3: 1}}]\ntenants:\n"
    fish = "  - id: fish\n    cohort: coast\n    nominal_tflops: 626\n"
    found = whole.replace("tenants:\n", cohort).replace("  - id: fish\n", fish)
    (tmp_path / "park.yaml").write_text(found, encoding="utf-8")

    said = CliRunner().invoke(app, ["doctor"], env={"BRAIN_PARK": "park.yaml"})
    monkeypatch.setenv("BRAIN_LANG", "zh")
    language.cache_clear()
    in_chinese = CliRunner().invoke(app, ["doctor"], env={"BRAIN_PARK": "park.yaml"}).stdout
    monkeypatch.setenv("BRAIN_LANG", "en")
    language.cache_clear()

    assert "626 相当于 2 张 ascend-910b3，而互借组 coast 只有 1 张" in " ".join(in_chinese.split())
    text = " ".join(said.stdout.split())
    assert "626 are 2 cards of ascend-910b3, and cohort coast owns 1" in text
    assert "name both quotas in cards of the kind" in text
    assert said.exit_code == FAILED


def test_where_no_broker_is_it_says_how_to_start_one() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    said = refused("jobs", code=FAILED, BRAIN_URL=url)

    assert f"no broker answers at {url}" in said
    assert "start one with `brain up`, or set BRAIN_URL to where it is" in said


@pytest.mark.usefixtures("keeps_signals")
def test_a_park_file_that_does_not_add_up(tmp_path: Path) -> None:
    whole = (Path(__file__).parents[1] / "data" / "small-park.yaml").read_text("utf-8")
    wrong = whole.replace("stated_tflops: 392", "stated_tflops: 393")
    (tmp_path / "park.yaml").write_text(wrong, encoding="utf-8")

    said = refused("up", "--park", "park.yaml", code=FAILED)

    assert f"park file {tmp_path}/park.yaml:" in said
    assert "stated_tflops is 393, but its pools sum to 392 TFLOPS (difference +1)" in said
    assert "stated_tflops is 1644, but its centres sum to 1645 TFLOPS (difference -1)" in said
    assert not (tmp_path / "data").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("words", "variables", "says"),
    [
        (["up"], {"BRAIN_DATABASE_URL": "postgresql://me@127.0.0.1:1/x"}, "Connection refused"),
        (["serve"], {"BRAIN_DATABASE_URL": "postgresql://me@127.0.0.1:1/x"}, "Connection refused"),
        (["agent", "--centre", "moon"], {}, "there is no centre moon (there: qdaicc, hzx, lsl)"),
        (["agent", "--centre", "lsl"], {}, "set BRAIN_API_KEY to a key of role agent"),
    ],
    ids=repr,
)
def test_what_cannot_run(words: list[str], variables: dict[str, str], says: str) -> None:
    if words[0] == "up":
        words = [*words, "--port", str(free_port())]

    assert says in refused_as_process(*words, code=FAILED, **variables)


@pytest.mark.usefixtures("keeps_signals")
@pytest.mark.parametrize(
    ("words", "database_url", "says"),
    [
        (["up", "--park", "none"], "", "none: cannot be read: No such file or directory"),
        (["up", "--park", "default"], "", "904 nodes, and each becomes a Ray node here"),
        (["up", "--data", "/proc/1/x"], "", "/proc/1/x cannot hold data (No such file"),
        (["up"], "sqlite:///x", "the database must be PostgreSQL"),
        (["migrate"], "nonsense", "is not like postgresql://user@host"),
    ],
    ids=repr,
)
def test_what_nothing_is_begun_for(words: list[str], database_url: str, says: str) -> None:
    if words[0] == "up":
        words = [*words, "--port", str(free_port())]
    variables = {"BRAIN_DATABASE_URL": database_url} if database_url else {}

    assert says in refused(*words, code=FAILED, **variables)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["submit", "-n", "25", "--", "true"], "needs 25 cards, and tenant steel may take 24"),
        (["submit", "--device", "abacus", "--", "true"], "there is no device kind abacus"),
        (["submit", "--field", "alchemy", "--", "true"], "there is no field alchemy"),
        (["submit", "--data", "web", "--data", "gone", "--", "true"], "there is no dataset gone"),
        (["submit", "--data-class", "x", "--", "true"], "there is no data class x in the park"),
        (["quote", "--data", "gone"], "there is no dataset gone"),
        (["quote", "--data-class", "x"], "there is no data class x in the park"),
        (["submit", "-n", "16", "--topology", "rack", "--", "true"], "needs 16 cards in one rack"),
        (["quote", "-n", "16", "--topology", "rack"], "needs 16 cards in one rack"),
        (["submit", "--tenant", "fish", "--", "true"], "submits for tenant steel alone"),
        (["quote", "-n", "25"], "needs 25 cards, and tenant steel may take 24"),
        (["show", "nobody"], "there is no job nobody"),
        (["logs", "nobody", "-f"], "there is no job nobody"),
        (["show", NO_ARRAY], f"there is no array {NO_ARRAY}"),
        (["cancel", NO_ARRAY], f"there is no array {NO_ARRAY}"),
        (["usage", "--tenant", "nobody"], "there is no tenant nobody"),
        (["nodes", "--pool", "nobody"], "there is no pool nobody"),
        (["nodes", "--centre", "nobody"], "there is no centre nobody"),
        (["cohorts", "set", "c", "--name", "C"], "a key of role operator is needed"),
        (["projects", "set", "p", "--name", "P", "-t", "fish"], "there is no tenant fish"),
        (["keys", "create", "--role", "operator"], "makes keys for tenant steel alone"),
    ],
    ids=repr,
)
def test_what_the_broker_refuses(park: Served, address: str, words: list[str], says: str) -> None:
    variables = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["steel"]}

    assert says in refused(*words, code=FAILED, **variables)


def test_a_tenant_of_nobody_is_not_changed(park: Served, address: str) -> None:
    variables = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["operator"]}

    said = refused("tenants", "set", "nobody", "--weight", "5", code=FAILED, **variables)
    assert "there is no tenant nobody" in said


def test_a_name_of_nobody_is_no_empty_bill_or_list(park: Served) -> None:
    for path in ("/v1/usage", "/v1/statements", "/v1/exports/usage"):
        assert park.finance.get(path, params={"tenant": "nobody"}).status_code == 404
    for path in ("/v1/jobs", "/v1/queue"):
        assert park.operator.get(path, params={"tenant": "nobody"}).status_code == 404


def test_a_reason_is_told_in_the_language_of_the_run(park: Served, address: str) -> None:
    variables = {"BRAIN_URL": address, "BRAIN_API_KEY": park.keys["steel"]}
    words = ["submit", "--lang", "zh", "-n", "25", "--", "true"]

    said = refused_as_process(*words, code=FAILED, **variables)

    assert said.startswith("错误：作业无法运行：需要 25 张卡，企业 steel 的配额还可用 24 张卡")

"""The FinOps Foundation's own validator reads a real export: no rule fails but the one it cannot.

Of the pair InvoiceId-C-004-C ("MUST be null when ...") and InvoiceId-C-005-C ("MUST NOT be null
when ...") the validator checks each without its condition, so one fails in every file that has
rows, while the rule over both, InvoiceId-C-003-C, passes. CommitmentDiscountStatus-C-004-C ("MUST
NOT be null when CommitmentDiscountId is not null") it checks where the id is null, where -C-003-C
wants null: it fails, and with it -C-002-C and -C-000-C, of which it is a part.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from accounting.bills.replies import ReplyKind
from accounting.exports.focus import focus_sheet
from accounting.exports.focus_lines import Names
from accounting.exports.sheet import plain_csv
from accounting.months.billed import bills_of
from accounting.months.closing import close_month
from accounting.months.replying import decide, reply
from accounting.storage import store
from accounting.storage.concession_store import transfer_of
from accounting.storage.fact_store import keep
from accounting.storage.voucher_store import issue
from accounting.usage.slices import UsageCredit, UsageSlice
from api.documents.parquet import parquet
from tests.builders import PRICES, shanghai, used
from tests.unit.accounting.bills.test_replies import REPLY
from tests.unit.accounting.prices.test_vouchers import VOUCHER
from tests.unit.accounting.storage.test_package_store import PACK

ROOT = Path(__file__).parents[2]
VALIDATOR = ROOT / ".venv/focus-validator"
MONTH = "2026-10"
# What FOCUS calls what we have; its other criteria are about what a park does not sell.
CRITERIA = (
    *("ACCOUNT_NAMING_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "REGION_SUPPORTED"),
    *("USAGE_MEASUREMENT_SUPPORTED", "UNIT_PRICING_SUPPORTED", "PUBLIC_PRICE_LIST_SUPPORTED"),
    *("NEGOTIATED_PRICING_SUPPORTED", "TAGGING_SUPPORTED"),
    *("BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED", "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED"),
    "COMMITMENT_DISCOUNT_SUPPORTED",
)
WRONG_RULES = frozenset(
    f"CommitmentDiscountStatus-C-{number}-C" for number in ("000", "002", "004")
)
PASSED_MIN = 267

pytestmark = [
    pytest.mark.heavy,  # `.ci/run` and `make focus-check` ask it
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("focus-validator"),  # one environment, made once
]


@dataclass(frozen=True)
class Verdict:
    """What the validator says of a file."""

    passed: int
    failed: frozenset[str]


@pytest.fixture(scope="module")
def _validator() -> None:
    made = subprocess.run(
        [ROOT / "deploy/install-focus-validator"], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(made.stderr.strip().splitlines()[-1])


@pytest.fixture
def connection(database: Engine) -> Iterator[Connection]:
    """Two months of three tenants: another price, a price class, a failed node, a late hour.

    Cores, a package, a voucher, and what finance granted in a dispute about the first month.
    """
    lists = replace(
        PRICES,
        on_demand=(("ascend-910b3", 3_500_000), ("a800", 5_200_000), ("x86-core", 50_000)),
        qos_permille=(("normal", 1_000), ("high", 1_300)),
        class_permille=(("standard", 1_000), ("lab", 800)),
    )
    with database.connect() as connection:
        store.publish_price_list(connection, lists)
        store.book(connection, [_slice("09", 1, tenant_id="steel")], [], [])
        close_month(connection, "2026-09", shanghai("2026-10-03T10:00"))
        _grant(connection)
        late = _slice("09", 2, tenant_id="steel")
        store.book(connection, [late, *_october()], [_credit()], [])
        keep(connection, replace(PACK, tenant_id="lab", bought_at_ms=shanghai("2026-10-02T10:00")))
        issue(connection, replace(VOUCHER, until_ms=shanghai("2027-01-01T00:00")))
        yield connection


def _grant(connection: Connection) -> None:
    dispute = replace(REPLY, month="2026-09", sha256="", lines=(1,))
    reply(connection, dispute)
    accepted = replace(dispute, kind=ReplyKind.ACCEPTED, reason="it was down", lines=())
    _, made = decide(connection, accepted, 20)
    assert made is not None
    store.book(connection, [], [], [transfer_of(made, 0)])


def _october() -> Iterator[UsageSlice]:
    yield _slice("10", 3, tenant_id="steel", device_count=8)
    yield _slice("10", 4, tenant_id="steel", project="ml", qos="high", price_micros=4_550_000)
    yield _slice("10", 5, tenant_id="lab", price_micros=2_800_000)
    yield _drawn()
    yield _slice("10", 6, tenant_id="fish", device_kind_id="a800", price_micros=5_200_000)
    cores = _slice("10", 7, tenant_id="fish", device_kind_id="x86-core", price_micros=50_000)
    yield replace(cores, device_count=16, tflops=0)


def _drawn() -> UsageSlice:
    """What a package covers costs nothing more."""
    drawn = used("2026-10-11T00:00", "2026-10-11T00:07", reference="j9.1/p1", tenant_id="lab")
    return replace(drawn, price_micros=0)


def _slice(month: str, hour: int, **changes: object) -> UsageSlice:
    begin, end = f"2026-{month}-10T0{hour}:00", f"2026-{month}-10T0{hour}:07"
    slice_ = used(begin, end, reference=f"j{month}{hour}.1", **changes)  # type: ignore[arg-type]  # by name
    return replace(slice_, from_ms=slice_.from_ms + 17)


def _credit() -> UsageCredit:
    at_ms = shanghai("2026-10-10T06:00")
    return UsageCredit(
        reference="j105.1", tenant_id="lab", at_ms=at_ms, cause="node", recorded_at_ms=at_ms
    )


def judged(connection: Connection, file: Path) -> Verdict:
    sheet = focus_sheet(bills_of(lambda: nullcontext(connection), MONTH), Names(provider="AI park"))
    write = parquet if file.suffix == ".parquet" else plain_csv
    file.write_bytes(b"".join(write(sheet)))
    # It looks for its rules beside itself, and ends with 0 whatever it finds.
    (packages,) = VALIDATOR.glob("lib/python*/site-packages")
    words = [
        *("--data-file", str(file), "--validate-version", "1.2.0.1", "--block-download"),
        *("--applicability-criteria", ",".join(CRITERIA)),
    ]
    done = subprocess.run(
        [VALIDATOR / "bin/focus-validator", *words],
        cwd=packages,
        capture_output=True,
        text=True,
        check=True,
    )
    counts = re.search(r"Total: \d+ \| Pass: (\d+) \| Fail: (\d+)", done.stdout)
    assert counts is not None, done.stdout[-2_000:] + done.stderr[-2_000:]
    failed = frozenset(re.findall(r"(\S+): FAIL ", done.stdout))
    assert len(failed) == int(counts[2])
    return Verdict(passed=int(counts[1]), failed=failed)


@pytest.mark.usefixtures("_validator")
def test_the_validator_passes_a_closed_month(connection: Connection, tmp_path: Path) -> None:
    close_month(connection, MONTH, shanghai("2026-11-03T10:00"))

    verdict = judged(connection, tmp_path / "focus.csv")
    written = (tmp_path / "focus.csv").read_text(encoding="utf-8")
    assert "Core-Hours" in written
    assert "Granted in the dispute about 2026-09, lines 1" in written

    assert verdict.failed == {"InvoiceId-C-004-C", *WRONG_RULES}
    assert verdict.passed >= PASSED_MIN


@pytest.mark.heavy
@pytest.mark.usefixtures("_validator")
def test_the_validator_passes_the_same_month_as_parquet(
    connection: Connection, tmp_path: Path
) -> None:
    close_month(connection, MONTH, shanghai("2026-11-03T10:00"))

    verdict = judged(connection, tmp_path / "focus.parquet")

    assert verdict.failed == {"InvoiceId-C-004-C", *WRONG_RULES}
    assert verdict.passed >= PASSED_MIN


@pytest.mark.heavy
@pytest.mark.usefixtures("_validator")
def test_the_validator_passes_a_draft(connection: Connection, tmp_path: Path) -> None:
    verdict = judged(connection, tmp_path / "focus.csv")

    assert verdict.failed == {"InvoiceId-C-005-C", *WRONG_RULES}
    assert verdict.passed >= PASSED_MIN

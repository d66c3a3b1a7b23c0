"""Claims in the books: once each, with what they rest on, and provable."""

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from accounting.bills.claims import Claim, ClaimRefused
from accounting.months.billing import ask_for_invoice, note_step, receive
from accounting.months.claiming import (
    assessed,
    basis_of,
    claim,
    claims,
    contracts,
    make_claim,
    publish_rule,
    register_contract,
    rules,
)
from accounting.months.closing import close_month
from accounting.proof.verifying import Misfit, verify
from accounting.storage import store
from accounting.storage.voucher_store import issue
from api.documents.claim_pack import claim_pack
from tests.builders import shanghai, used
from tests.unit.accounting.bills.test_invoices import CREDITED, ISSUED
from tests.unit.accounting.months.test_billing import ASKED, PAID
from tests.unit.accounting.prices.test_vouchers import VOUCHER
from tests.unit.accounting.test_subsidies import CONTRACT, NOW, OPERATOR, RULE
from tests.unit.api.test_documents import NAMES

OCTOBER = used("2026-10-10T00:00", "2026-10-10T08:00", device_count=2)
TWENTY = replace(RULE, min_fen=10_00)
SAID = Claim(
    id="",
    rule_id="",
    tenant_id="",
    contract="",
    base_fen=0,
    amount_fen=0,
    city_fen=0,
    district_fen=0,
    payments=(),
    by="finance (2)",
    at_ms=NOW,
)


@pytest.fixture
def connection(connection: Connection) -> Connection:
    """October is closed: steel used 56.00 yuan, has an invoice over all of it, and paid 20.00."""
    store.book(connection, [OCTOBER], [], [])
    close_month(connection, "2026-10", shanghai("2026-11-03T10:00"))
    ask_for_invoice(connection, ASKED, None)
    note_step(connection, ISSUED)
    receive(connection, PAID)
    publish_rule(connection, TWENTY)
    register_contract(connection, CONTRACT)
    return connection


def test_what_was_paid_is_claimed_once(connection: Connection) -> None:
    made = make_claim(connection, TWENTY, CONTRACT, SAID)

    assert (made.id, made.base_fen, made.amount_fen) == ("qd-2026.steel", 20_00, 4_00)
    assert made.payments == ("bank-1",)
    assert make_claim(connection, TWENTY, CONTRACT, replace(SAID, at_ms=NOW + 1)) == made
    assert claims(connection, "steel") == (made,)
    assert claims(connection, "fish") == ()


def test_an_assessment_writes_nothing(connection: Connection) -> None:
    assert assessed(connection, TWENTY, CONTRACT, NOW).amount_fen == 4_00

    assert claims(connection) == ()


def test_a_tenant_claims_once_a_year_by_a_rule(connection: Connection) -> None:
    make_claim(connection, TWENTY, CONTRACT, SAID)
    other = register_contract(connection, replace(CONTRACT, number="HT-2"))

    with pytest.raises(ClaimRefused, match="is made already, for contract HT-1"):
        make_claim(connection, TWENTY, other, SAID)


def test_for_a_contract_nobody_is_subsidised_twice(connection: Connection) -> None:
    make_claim(connection, TWENTY, CONTRACT, SAID)
    publish_rule(connection, OPERATOR)
    other = register_contract(connection, replace(CONTRACT, number="HT-2"))
    issue(connection, replace(VOUCHER, contract="HT-2"))

    with pytest.raises(ClaimRefused, match=r"claim qd-2026\.steel is for it: no double subsidy"):
        make_claim(connection, OPERATOR, CONTRACT, SAID)
    with pytest.raises(ClaimRefused, match="voucher v1 is for it: no double subsidy"):
        make_claim(connection, OPERATOR, other, SAID)


def test_a_contract_that_was_claimed_for_gets_no_voucher(connection: Connection) -> None:
    make_claim(connection, TWENTY, CONTRACT, SAID)

    with pytest.raises(ClaimRefused, match=r"has claim qd-2026\.steel: no double subsidy"):
        issue(connection, replace(VOUCHER, contract=CONTRACT.number))


def test_a_payment_counts_for_one_claim(connection: Connection) -> None:
    other_rule = publish_rule(connection, replace(TWENTY, id="r2", pool="other"))
    other = register_contract(connection, replace(CONTRACT, number="HT-2"))
    make_claim(connection, TWENTY, CONTRACT, SAID)

    with pytest.raises(ClaimRefused, match=r"and 0\.00 count for tenant steel"):
        make_claim(connection, other_rule, other, SAID)
    receive(connection, replace(PAID, reference="bank-2", amount_fen=10_00))
    made = make_claim(connection, other_rule, other, SAID)

    assert (made.base_fen, made.payments) == (10_00, ("bank-2",))


def test_rules_of_one_budget_share_it(connection: Connection) -> None:
    scarce = publish_rule(connection, replace(OPERATOR, budget_fen=5_00))
    make_claim(connection, TWENTY, CONTRACT, SAID)
    other = register_contract(connection, replace(CONTRACT, number="HT-2"))

    made = make_claim(connection, scarce, other, SAID)

    assert (made.amount_fen, made.city_fen, made.district_fen) == (1_00, 50, 50)


def test_each_tenant_may_claim_up_to_the_cap(connection: Connection) -> None:
    capped = publish_rule(connection, replace(OPERATOR, cap_fen=5_00))
    make_claim(connection, capped, CONTRACT, SAID)
    own = register_contract(connection, replace(CONTRACT, number="HT-2"))
    other = register_contract(connection, replace(CONTRACT, number="HT-3", tenant_id="fish"))

    with pytest.raises(ClaimRefused, match=r"and 0\.00 for tenant steel"):
        make_claim(connection, capped, own, SAID)
    assert make_claim(connection, capped, other, SAID).amount_fen == 5_00
    assert contracts(connection, "fish") == (other,)


def test_what_was_claimed_by_another_rule_is_within_that_rules_cap(connection: Connection) -> None:
    capped = publish_rule(connection, replace(OPERATOR, cap_fen=5_00))
    assert make_claim(connection, TWENTY, CONTRACT, SAID).amount_fen == 4_00
    other = register_contract(connection, replace(CONTRACT, number="HT-2"))

    assert make_claim(connection, capped, other, SAID).amount_fen == 5_00


def test_each_year_has_a_budget_of_its_own(connection: Connection) -> None:
    scarce = publish_rule(connection, replace(OPERATOR, year="2027", budget_fen=5_00))
    make_claim(connection, TWENTY, CONTRACT, SAID)
    other = register_contract(connection, replace(CONTRACT, number="HT-2"))

    assert make_claim(connection, scarce, other, SAID).amount_fen == 5_00


def test_rules_and_contracts_are_there_once(connection: Connection) -> None:
    assert publish_rule(connection, replace(TWENTY, at_ms=9)) == TWENTY
    assert register_contract(connection, replace(CONTRACT, at_ms=9)) == CONTRACT
    with pytest.raises(ClaimRefused, match="rule qd-2026 is there already, and is another"):
        publish_rule(connection, replace(TWENTY, cap_fen=1))
    with pytest.raises(ClaimRefused, match="contract HT-1 is there already, and is another"):
        register_contract(connection, replace(CONTRACT, amount_fen=1))
    assert (rules(connection), contracts(connection)) == ((TWENTY,), (CONTRACT,))


def test_a_pack_has_all_that_a_fund_asks_and_stays_the_same(connection: Connection) -> None:
    made = make_claim(connection, TWENTY, CONTRACT, SAID)
    pack = claim_pack(basis_of(connection, made), NAMES)

    later = replace(PAID, reference="bank-2", amount_fen=10_00, at_ms=NOW + 1)
    receive(connection, later)
    note_step(connection, replace(CREDITED, at_ms=NOW + 1))

    assert claim_pack(basis_of(connection, made), NAMES) == pack
    with zipfile.ZipFile(io.BytesIO(pack)) as files:
        assert files.namelist() == [
            "claim.json",
            "consumption/2026-10.csv",
            "consumption/2026-10.json",
            "consumption/2026-10.pdf",
            "contract.json",
            "invoices.csv",
            "payments.csv",
            "SHA256SUMS",
        ]
        lines = files.read("SHA256SUMS").decode().splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for name in files.namelist()[:-1]:
            assert sums[name] == hashlib.sha256(files.read(name)).hexdigest()
        assert b"bank-1" in files.read("payments.csv")
        assert b"26370001" in files.read("invoices.csv")


def test_the_operators_pack_has_the_contracts_months(connection: Connection) -> None:
    november = used("2026-11-10T00:00", "2026-11-10T01:00", tenant_id="fish", reference="f.1")
    store.book(connection, [november], [], [])
    close_month(connection, "2026-11", shanghai("2026-12-03T10:00"))
    publish_rule(connection, OPERATOR)
    made = make_claim(connection, OPERATOR, CONTRACT, SAID)

    with zipfile.ZipFile(io.BytesIO(claim_pack(basis_of(connection, made), NAMES))) as files:
        assert "consumption/2026-10.json" in files.namelist()
        assert "consumption/2026-11.json" not in files.namelist()


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("UPDATE claims SET amount_fen = 1", "claims qd-2026.steel"),
        ("UPDATE contracts SET is_related = true", "contracts HT-1"),
        ("UPDATE claim_rules SET cap_fen = 1", "claim_rules qd-2026"),
    ],
)
def test_each_is_a_link_of_a_chain(connection: Connection, change: str, row: str) -> None:
    make_claim(connection, TWENTY, CONTRACT, SAID)
    assert [one for one in verify(connection) if isinstance(one, Misfit)] == []

    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text(change))

    (misfit,) = [one for one in verify(connection) if isinstance(one, Misfit)]
    assert misfit.row == row


def test_names_with_dots_make_no_claim_another(connection: Connection) -> None:
    """`a` for `b.c` and `a.b` for `c` would both be `a.b.c`: the first one keeps that."""
    short = publish_rule(connection, replace(OPERATOR, id="a", pool="one"))
    long = publish_rule(connection, replace(OPERATOR, id="a.b", pool="two"))
    first = register_contract(connection, replace(CONTRACT, number="b.c"))
    second = register_contract(connection, replace(CONTRACT, number="c"))

    made = [make_claim(connection, short, first, SAID), make_claim(connection, long, second, SAID)]

    assert [(one.id, one.rule_id, one.contract) for one in made] == [
        ("a.b.c", "a", "b.c"),
        ("a.b.c.2", "a.b", "c"),
    ]
    third = register_contract(connection, replace(CONTRACT, number="b.d"))
    assert make_claim(connection, short, third, SAID).id == "a.b.d", "once for each contract"
    again = [make_claim(connection, short, first, SAID), make_claim(connection, long, second, SAID)]
    assert again == made
    assert claim(connection, "a.b.c.2") == made[1]


def test_a_claim_of_the_same_name_by_another_rule_is_a_second_subsidy(
    connection: Connection,
) -> None:
    """A tenant's claim is named after the tenant, the operator's after the contract."""
    tenants = publish_rule(connection, replace(TWENTY, id="a.b"))
    operators = publish_rule(connection, replace(OPERATOR, id="a"))
    contract = register_contract(connection, replace(CONTRACT, number="b.steel"))
    made = make_claim(connection, tenants, contract, SAID)
    assert made.id == "a.b.steel"

    with pytest.raises(ClaimRefused, match=r"claim a\.b\.steel is for it: no double subsidy"):
        make_claim(connection, operators, contract, SAID)

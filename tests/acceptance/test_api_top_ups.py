"""What a tenant has paid in over the years, which only ever grows."""

import pytest
from httpx2 import Response
from sqlalchemy import text

from accounting.money import MAX_YUAN, MICROS_PER_YUAN
from api.chinese import chinese
from tests.acceptance.brokers import Served, problem_of

PAID = text(
    "INSERT INTO transfers (kind, reference, tenant_id, debit_account, credit_account,"
    " amount_micros, at_ms, link, hash) VALUES ('top_up', 'long ago', 'poor', 'paid_in',"
    " 'income:east', :amount_micros, 1, 1000, '')"
)


@pytest.fixture
def old_customer(park: Served) -> Served:
    """Of all it can pay in, `poor` lacks 100 yuan; the rest it has spent."""
    amount_micros = (5 * MAX_YUAN - 100) * MICROS_PER_YUAN
    with park.broker.services.database.begin() as connection:
        connection.execute(PAID, {"amount_micros": amount_micros})
    return park


def test_no_account_grows_beyond_what_a_column_holds(old_customer: Served) -> None:
    def paid(amount: str, **headers: str) -> Response:
        payment = {"amount": amount, "reference": f"bank-{amount}"}
        top_up = "/v1/tenants/poor:top-up"
        return old_customer.finance.post(top_up, json=payment, headers=headers)

    told = problem_of(paid("100.01"), 409)["detail"]
    last, again = (paid("100.00", **{"Idempotency-Key": "last"}) for _ in range(2))
    booked = problem_of(paid("100.00"), 409)["detail"]

    assert told == (
        "poor pays in at most 5,000,000,000,000 yuan in all, and has paid in 4999999999900.00: "
        "declare another tenant for what comes next"
    )
    assert "累计最多可充值" in (chinese(told) or "")
    assert (last.status_code, again.status_code) == (200, 200)
    assert last.json() == again.json()
    assert booked == "payment bank-100.00 is booked already"


def test_a_key_that_was_used_for_another_payment_pays_nothing(park: Served) -> None:
    headers = {"Idempotency-Key": "the-same"}

    def paid(reference: str, amount: str) -> Response:
        payment = {"amount": amount, "reference": reference}
        return park.finance.post("/v1/tenants/fish:top-up", json=payment, headers=headers)

    first = paid("a", "1.00")
    told = [paid("b", "2.00"), paid("a", "2.00"), paid("b", "1.00")]
    again = paid("a", "1.00")

    assert [problem_of(one, 422)["detail"] for one in told] == [
        "Idempotency-Key the-same was used for another request: choose a new one"
    ] * 3
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["balance"] == again.json()["balance"]

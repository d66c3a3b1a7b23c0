"""Jobs that are content with one gang or another, as a terminal shows them."""

import pytest

from api.cli.job_tables import print_job
from api.cli.prospect_tables import print_quote
from api.cli.terminal import duration_text
from api.examples.answers import ANSWERS
from api.schemas.jobs import JobView
from api.schemas.quotes import Quote
from api.schemas.variant_spec import VariantSpec


def test_a_job_is_shown_with_its_variants(capsys: pytest.CaptureFixture[str]) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    variants = [
        VariantSpec(devices=16, device=["hygon-k100-ai"], limit="6h"),
        VariantSpec(devices=1, speed=0.5),
    ]
    changes = {"nodes": None, "devices": 8, "device": ["a"], "limit": 3_600_000}
    spec = job.spec.model_copy(update=changes | {"variants": variants})
    print_job(job.model_copy(update={"spec": spec}))

    said = " ".join(capsys.readouterr().out.split())

    one, two, six = (duration_text(hours * 3_600_000) for hours in (1, 2, 6))
    asked = f"8 × a, at most {one}; or 16 × hygon-k100-ai, at most {six}"
    assert f"{asked}; or 1 × a, at most {two}" in said


def test_a_job_of_no_kind_is_on_cards(capsys: pytest.CaptureFixture[str]) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    spec = job.spec.model_copy(update={"nodes": 2, "devices": 8, "device": []})
    print_job(job.model_copy(update={"spec": spec}))

    assert "8 cards of any kind on 2 nodes, at most" in capsys.readouterr().out


def test_a_quote_says_how_many_cards_where_that_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quote = Quote.model_validate(ANSWERS["quote"])
    (option,) = quote.options
    print_quote(quote)
    plain = capsys.readouterr().out
    print_quote(
        quote.model_copy(update={"options": [option, option.model_copy(update={"devices": 104})]})
    )

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]

    heads = [line.split() for line in plain.splitlines() if line.startswith("pool")]
    assert heads
    assert all("cards" not in head for head in heads)
    assert [line[:2] for line in lines if line and line[0] == option.pool] == [
        [option.pool, "8"],
        [option.pool, "104"],
    ]


def test_where_it_waits_its_planned_start_says_on_how_many_devices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = JobView.model_validate(ANSWERS["get_job"])
    start = {"planned_start_ms": 1_767_225_600_000, "planned_pool": "hzx-k100", "attempts": []}
    print_job(job.model_copy(update=start | {"planned_devices": 16}))
    print_job(job.model_copy(update=start | {"is_start_promised": True}))

    said = [line for line in capsys.readouterr().out.splitlines() if "hzx-k100" in line]

    assert [line.rpartition("hzx-k100")[2].strip() for line in said] == [
        "×16",
        "(kept for it)",
    ]

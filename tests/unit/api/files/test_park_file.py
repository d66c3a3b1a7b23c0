"""A park file is taken whole and checked, or refused with what is wrong and where."""

from pathlib import Path

import pytest

from api.files.park_file import DEFAULT_PARK, LOCAL_PARK, ParkFile, ParkFileInvalid, load
from scheduler.model.tenancy import Cohort, Project

SMALL = """\
id: small
name: Small park
note: an example
stated_tflops: 8000
device_kinds:
  - {id: npu-x, name: X, vendor: V, tflops_fp16: 250, memory_gb: 32, ray_resource: NPU}
centres:
  - id: east
    name: East
    operator: O
    stated_tflops: 4000
    pools:
      - {id: east-x, device: npu-x, nodes: 2, cards_per_node: 8}
  - id: west
    name: West
    operator: O
    stated_tflops: 4000
    pools:
      - {id: west-x, device: npu-x, nodes: 4, cards_per_node: 4}
fields:
  - {id: ocean, name: Ocean}
price_lists:
  - id: p1
    from: 2026-01-01T00:00:00+08:00
    on_demand: {npu-x: 3.50}
    qos: {low: 0.70, normal: 1, high: 1.30}
    classes: {standard: 1.00}
tenants:
  - id: a
    name: A
    type: enterprise
    field: ocean
    class: standard
    max_cards: 8
    opening_balance: 279.99
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "park.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, old: str, new: str) -> str:
    """What `load` says to the small park with one thing changed."""
    assert SMALL.count(old) == 1
    with pytest.raises(ParkFileInvalid) as refused:
        load(written(folder, SMALL.replace(old, new)))
    return str(refused.value)


@pytest.fixture
def small(tmp_path: Path) -> ParkFile:
    return load(written(tmp_path, SMALL))


def test_the_default_park_sums_to_1900_p() -> None:
    park = load().park

    assert park.stated_tflops == 1_900_000
    assert park.registered_tflops(park.pools) == 1_900_000
    assert {centre.id: centre.stated_tflops for centre in park.centres} == {
        "qdaicc": 100_000,
        "hzx": 150_000,
        "lsl": 1_650_000,
    }
    assert sum(pool.card_count for pool in park.pools) == 7_092
    assert len(park.node_by_id) == 904


def test_the_default_park_says_what_is_assumed() -> None:
    assert not load().park.is_logical
    assert "ASSUMPTION" in load().park.note
    assert "假设" in load().park.note
    assert DEFAULT_PARK.read_text(encoding="utf-8").count("ASSUMPTION / 假设") >= 6


def test_the_local_park_has_the_same_centres_and_kinds_with_logical_cards() -> None:
    whole, local = load().park, load(LOCAL_PARK).park

    assert local.is_logical
    assert "逻辑卡" in local.note
    assert "7,092 cards, 1900 P" in local.note
    assert f"{sum(pool.card_count for pool in local.pools)} counters" in local.note
    assert f"{local.stated_tflops / 1_000} P" in local.note
    assert [(c.id, c.name) for c in local.centres] == [(c.id, c.name) for c in whole.centres]
    assert set(local.device_kinds) <= set(whole.device_kinds)
    assert set(local.fields) == set(whole.fields)
    assert {kind.ray_resource for kind in local.device_kinds} == {"NPU", "DCU", "GPU"}
    assert len(local.node_by_id) == 4


def test_money_is_exact(small: ParkFile) -> None:
    assert small.opening_balances == {"a": 279_990_000}
    assert small.price_lists[0].price_micros("npu-x", "high", "standard") == 4_550_000
    assert small.price_lists[0].vat_permille == 60


def test_a_price_list_begins_at_its_moment_in_its_own_zone(small: ParkFile) -> None:
    assert small.price_lists[0].from_ms == 1_767_196_800_000


def test_a_pool_may_say_how_many_nodes_make_a_rack(small: ParkFile, tmp_path: Path) -> None:
    racked = SMALL.replace("cards_per_node: 8", "cards_per_node: 8, nodes_per_rack: 2")

    (east, west) = load(written(tmp_path, racked)).park.pools

    assert (east.nodes_per_rack, west.nodes_per_rack) == (2, None)
    assert {pool.nodes_per_rack for pool in small.park.pools} == {None}


def test_a_rack_is_no_larger_than_its_pool(tmp_path: Path) -> None:
    old = "cards_per_node: 8"
    text = refusal(tmp_path, old, f"{old}, nodes_per_rack: 3")

    assert (
        "centres[0].pools[0]: nodes_per_rack is 3, and pool east-x has 2 nodes: give at most as "
        "many, or leave it out where there are no racks" in text
    )
    for wrong in ("0", "2.5", "true", "-1"):
        assert "nodes_per_rack" in refusal(tmp_path, old, f"{old}, nodes_per_rack: {wrong}")


def test_a_park_may_say_how_fast_use_is_forgotten(small: ParkFile, tmp_path: Path) -> None:
    old = "note: an example"
    weekly = SMALL.replace(old, f"{old}\nshare_half_life_h: 168")

    assert load(written(tmp_path, weekly)).park.share_half_life_ms == 7 * 24 * 3_600_000
    assert small.park.share_half_life_ms == 24 * 3_600_000
    for wrong in ("0", "1.5", "8785"):
        assert "share_half_life_h" in refusal(tmp_path, old, f"{old}\nshare_half_life_h: {wrong}")


def test_a_pool_may_guarantee_its_racks_if_it_has_some(small: ParkFile, tmp_path: Path) -> None:
    old = "cards_per_node: 8"
    racked = SMALL.replace(old, f"{old}, nodes_per_rack: 2, guarantees: racks")

    (east, _) = load(written(tmp_path, racked)).park.pools

    assert (east.guarantees_racks, east.cell_nodes, east.cell_count) == (True, 2, 1)
    assert not any(pool.guarantees_racks for pool in small.park.pools)
    assert "pool east-x has no racks to be guaranteed" in refusal(
        tmp_path, old, f"{old}, guarantees: racks"
    )


def test_a_pool_may_be_offered_at_some_hours_alone(small: ParkFile, tmp_path: Path) -> None:
    old = "cards_per_node: 8"
    lent = SMALL.replace(old, f"{old}, hours: [mon-fri  20:00-08:00, Sat 00:00-24:00]")

    (east, west) = load(written(tmp_path, lent)).park.pools

    assert east.hours is not None
    assert east.hours.texts == ("mon-fri 20:00-08:00", "sat 00:00-24:00")
    assert west.hours is None
    assert {pool.hours for pool in small.park.pools} == {None}
    wrong = refusal(tmp_path, old, f"{old}, hours: [at night]")
    assert "centres[0].pools[0].hours: 'at night' are no hours: write it like mon-fri" in wrong


def test_a_centre_that_does_not_add_up_is_refused_with_the_difference(tmp_path: Path) -> None:
    text = refusal(
        tmp_path, "id: east-x, device: npu-x, nodes: 2", "id: east-x, device: npu-x, nodes: 3"
    )

    assert (
        "centre east: stated_tflops is 4000, but its pools sum to 6000 TFLOPS (difference -2000)"
        in text
    )


def test_a_park_that_does_not_add_up_is_refused_with_the_difference(tmp_path: Path) -> None:
    text = refusal(tmp_path, "stated_tflops: 8000", "stated_tflops: 9000")

    assert (
        "park small: stated_tflops is 9000, but its centres sum to 8000 TFLOPS (difference +1000)"
        in text
    )


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("id: small", "id: ../small", "id: needs 1 to 64 letters"),
        ("name: Small park", 'name: "Small\\npark"', "name: it must be one line"),
        ("name: Small park", 'name: "Small\\u0007park"', "name: control characters"),
        ("note: an example\n", "", "note: Field required"),
        ("note: an example", "note: an example\ncolour: red", "colour: Extra inputs"),
        ("stated_tflops: 8000", "stated_tflops: lots", "stated_tflops: a whole number"),
        ("stated_tflops: 8000", "stated_tflops: true", "stated_tflops: a whole number"),
        ("stated_tflops: 8000", "stated_tflops: -8000", "stated_tflops: Input should be greater"),
        ("stated_tflops: 8000", "stated_tflops: 1" + "0" * 5_000, "stated_tflops"),
        ("tflops_fp16: 250", "tflops_fp16: 250.5", "device_kinds[0].tflops_fp16"),
        ("tflops_fp16: 250", "tflops_fp16: 0", "device_kinds[0].tflops_fp16"),
        ("tflops_fp16: 250", "unit: core, tflops_fp16: 250", "device_kinds[0].tflops_fp16"),
        ("tflops_fp16: 250", "unit: thread, tflops_fp16: 0", "device_kinds[0].unit"),
        ("tflops_fp16: 250", "unit: core, tflops_fp16: 0", "device_kinds[0].ray_resource"),
        ("ray_resource: NPU", "ray_resource: CORE", "device_kinds[0].ray_resource"),
        ("ray_resource: NPU", "ray_resource: TPU", "device_kinds[0].ray_resource"),
        ("id: west\n", "id: east\n", "centre east is given 2 times"),
        ("id: west-x", "id: east-x", "pool east-x is given 2 times"),
        ("nodes: 4", "nodes: 0", "centres[1].pools[0].nodes"),
        ("nodes: 4", "nodes: 100001", "centres[1].pools[0].nodes"),
        ("nodes: 4", "nodes: 100000", "the pools have 100002 nodes, more than 100000"),
        ("cards_per_node: 4", "cards_per_node: 2000", "centres[1].pools[0].cards_per_node"),
        ("id: west-x, device: npu-x", "id: west-x, device: npu-y", "pool west-x: device npu-y"),
        ("from: 2026-01-01T00:00:00+08:00", "from: 2026-01-01T00:00:00", "with its offset"),
        ("from: 2026-01-01T00:00:00+08:00", "from: soon", "price_lists[0].from: needs a time"),
        ("from: 2026-01-01T00:00:00+08:00", "from: 1969-01-01T00:00:00+08:00", "greater than"),
        ("npu-x: 3.50", "npu-x: -3.50", "price_lists[0].on_demand.npu-x: needs an amount"),
        ("npu-x: 3.50", "npu-x: 3.1234567", "price_lists[0].on_demand.npu-x: needs an amount"),
        ("npu-x: 3.50", "npu-x: 9999999999999", "at most 1000000000000 yuan"),
        ("npu-x: 3.50", "npu-y: 3.50", "price list p1: has no price for npu-x"),
        ("npu-x: 3.50", "npu-x: 3.50, npu-y: 1", "price list p1: npu-y is not among device_kinds"),
        ("high: 1.30", "highest: 1.30", "price_lists[0].qos.high: Field required"),
        ("high: 1.30", "high: 1.3001", "price_lists[0].qos.high: needs a factor"),
        ("high: 1.30", "high: 0", "price_lists[0].qos.high: Input should be greater"),
        (
            "classes: {standard",
            "classes: {sme",
            "price list p1: has no multiplier for class standard",
        ),
        ("field: ocean", "field: space", "tenant a: field space is not among fields"),
        ("max_cards: 8", "max_cards: -1", "tenants[0].max_cards"),
        (
            "max_cards: 8",
            "max_cards: 8\n    nominal_cards: {npu-x: 0}",
            "tenants[0].nominal_cards.npu-x: Input should be greater",
        ),
        (
            "max_cards: 8",
            "max_cards: 8\n    nominal_cards: {npu-y: 1}",
            "tenant a: nominal_cards names npu-y; the park has npu-x",
        ),
        (
            "max_cards: 8",
            "max_cards: 8\n    nominal_cards: {npu-x: 9}",
            "tenant a: nominal_cards are 9 in all, more than its max_cards 8",
        ),
        (
            "max_cards: 8",
            "max_cards: 99\n    nominal_cards: {npu-x: 99}",
            "nominal_cards of npu-x are 99 over all tenants, and the park has",
        ),
        (
            "max_cards: 8",
            "max_cards: 8\n    borrowing_cards: {npu-x: 9}",
            "tenant a holds at most 8 by its max_cards: lower the first to 8",
        ),
        ("max_cards: 8", "max_cards: 8\n    weight: 0", "tenants[0].weight"),
        ("max_cards: 8", "max_cards: 8\n    cohort: c", "tenant a: cohort c is not among cohorts"),
        (
            "tenants:",
            "cohorts: [{id: c, name: C}, {id: c, name: C}]\ntenants:",
            "cohort c is given 2 times",
        ),
        (
            "max_cards: 8",
            "max_cards: 8\n    projects: [{id: p, name: P}, {id: p, name: P}]",
            "tenant a: project p is given 2 times",
        ),
        (
            "max_cards: 8",
            "max_cards: 8\n    projects: [{id: p/q, name: P}]",
            "tenants[0].projects[0].id",
        ),
        ("opening_balance: 279.99", "opening_balance: [1]", "tenants[0].opening_balance"),
        ("- id: a\n", "- id: a\n    id: b\n", "'id' is given twice"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(tmp_path: Path, old: str, new: str, what: str) -> None:
    text = refusal(tmp_path, old, new)

    assert what in text
    assert "park.yaml" in text


def test_cohorts_and_projects_are_those_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace("tenants:", "cohorts: [{id: c, name: C, weight: 3}]\ntenants:")
    parts = "cohort: c\n    projects: [{id: p, name: P, max_cards: 2}, {id: q, name: Q}]"

    found = load(written(tmp_path, text.replace("max_cards: 8", f"max_cards: 8\n    {parts}")))

    assert found.cohorts == (Cohort(id="c", name="C", weight=3, max_cards=None),)
    assert found.tenants[0].cohort_id == "c"
    assert found.projects == (
        Project(tenant_id="a", id="p", name="P", weight=100, max_cards=2),
        Project(tenant_id="a", id="q", name="Q", weight=100, max_cards=None),
    )


def test_price_lists_begin_one_after_the_other(tmp_path: Path) -> None:
    text = refusal(
        tmp_path,
        "tenants:\n",
        """\
  - id: p2
    from: 2025-12-31T23:59:59+08:00
    on_demand: {npu-x: 4}
    qos: {low: 0.70, normal: 1, high: 1.30}
    classes: {standard: 1.00}
tenants:
""",
    )

    assert "price list p2: must begin after price list p1" in text


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    bad = SMALL.replace("id: small", "id: +").replace("max_cards: 8", "max_cards: x")

    with pytest.raises(ParkFileInvalid) as refused:
        load(written(tmp_path, bad))

    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize("text", ["", "[]", "just text", "42", "{"])
def test_what_is_no_park_at_all_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ParkFileInvalid, match=r"park\.yaml"):
        load(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParkFileInvalid, match=r"none\.yaml: cannot be read"):
        load(tmp_path / "none.yaml")

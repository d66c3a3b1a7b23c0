"""What goes through the codec comes back the same."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from accounting.prices.rating import PriceList
from cluster.devices import DeviceKind
from cluster.inventory import Centre, Park, Pool
from scheduler.facts import events as ev
from scheduler.model.job import ArrayTask, Checkpoint, EndCause, Job, NodeShare, Placement, Priority
from scheduler.model.tenancy import Tenant
from scheduler.storage.codec import (
    decode,
    decode_job,
    decode_wish,
    encode,
    encode_job,
    encode_job_text,
    encode_text,
)

JOB = Job(
    id="j1",
    tenant_id="steel",
    project="default",
    user="k1",
    name="数字",
    field="manufacturing",
    command="true",
    device_count=8,
    device_kind_ids=("ascend-910b3",),
    limit_ms=3_600_000,
    priority=Priority.LOW,
    submitted_at_ms=5,
    env=(("A", "1"),),
    checkpoint=Checkpoint(dir="ckpt"),
)
POOL = Pool(id="p", centre_id="c", device_kind_id="k", node_count=2, cards_per_node=8)
PARK = Park(
    id="park",
    name="园",
    note="",
    is_logical=True,
    stated_tflops=16,
    device_kinds=(
        DeviceKind(id="k", name="K", vendor="v", tflops_fp16=1, memory_gb=64, ray_resource="NPU"),
    ),
    centres=(Centre(id="c", name="C", operator="o", stated_tflops=16, pools=(POOL,)),),
    fields=(("manufacturing", "制造"),),
)
TENANT = Tenant(
    id="steel", name="钢", type="t", field="manufacturing", price_class="basic", max_cards=8
)
PRICES = PriceList(
    id="pl",
    from_ms=0,
    on_demand=(("k", 1),),
    qos_permille=(("low", 500),),
    class_permille=(("basic", 1000),),
)
PLACEMENT = Placement(
    centre_id="c",
    pool_id="p",
    device_kind_id="k",
    shares=(NodeShare(node_id="p-n001", card_count=8),),
)
WISHES = [
    ev.ParkDeclared(at_ms=1, park=PARK),
    ev.TenantDeclared(at_ms=1, tenant=TENANT),
    ev.PriceListPublished(at_ms=1, price_list=PRICES),
    ev.Credited(at_ms=1, tenant_id="steel", amount_micros=10**15, reference="r"),
    ev.Submitted(at_ms=1, job=JOB),
    ev.CancelRequested(at_ms=1, job_id="j1", by="k1"),
]
FACTS = [
    ev.Leased(at_ms=1, job_id="j1", attempt_id="j1.1", epoch=1, placement=PLACEMENT, hold_micros=1),
    ev.Launching(at_ms=1, attempt_id="j1.1"),
    ev.Started(at_ms=1, attempt_id="j1.1"),
    ev.StopDecided(at_ms=1, attempt_id="j1.1", cause=EndCause.LIMIT, grace_ms=1),
    ev.Metered(at_ms=1, attempt_id="j1.1", from_ms=1, to_ms=2, price_micros=1, charge_micros=1),
    ev.Saved(at_ms=2, attempt_id="j1.1", saved_at_ms=1),
    ev.Ended(at_ms=1, attempt_id="j1.1", cause=EndCause.NODE, exit_code=None),
    ev.NodesChanged(at_ms=1, centre_id="c", online_node_ids=("p-n001",)),
    ev.CentreLinkChanged(at_ms=1, centre_id="c", is_heard=True),
]


@pytest.mark.parametrize("event", WISHES + FACTS, ids=lambda event: event.kind)
def test_an_event_comes_back_from_json_as_it_was(event: ev.Event) -> None:
    body = json.loads(json.dumps(encode(event)))

    assert decode(body) == event
    assert body["kind"] == event.kind
    assert json.loads(encode_text(event)) == body


@pytest.mark.parametrize("event", FACTS, ids=lambda event: event.kind)
def test_nobody_but_the_leader_may_state_a_fact(event: ev.Event) -> None:
    with pytest.raises(ValidationError):
        decode_wish(encode(event))


@pytest.mark.parametrize("wish", WISHES, ids=lambda event: event.kind)
def test_a_wish_is_decoded_as_a_wish(wish: ev.Wish) -> None:
    assert decode_wish(encode(wish)) == wish


def test_a_task_of_an_array_comes_back_as_it_was() -> None:
    task = ArrayTask(id="a1", index=3, count=2, lowest=1, highest=3, at_most=1)
    job = replace(JOB, array=task)

    body = json.loads(encode_job_text(job))

    assert decode_job(body) == job
    assert encode_job(job) == body


def test_a_job_from_before_there_were_arrays_is_read() -> None:
    body = encode_job(JOB)
    del body["array"]

    assert decode_job(body) == JOB

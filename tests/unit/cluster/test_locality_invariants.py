"""What every plan keeps of data, wherever it lies and whatever its classes: Hypothesis thinks."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cluster.datasets import DataClass, Dataset, Link
from cluster.inventory import Park
from scheduler.model.custody import custody_refusal
from scheduler.model.job import Job
from scheduler.planning.planner import plan
from tests.builders import a_job, a_placement, a_state, submit, with_data

CENTRES = ("east", "north")
SOME_CENTRES = (("east",), ("north",), CENTRES)


@st.composite
def parks_of_data(draw: st.DrawFn) -> Park:
    classes = [
        DataClass(id=name, name=name, centre_ids=draw(st.sampled_from(((), *SOME_CENTRES))))
        for name in ("c", "d")
    ]
    datasets = [
        Dataset(
            id=f"d{number}",
            size_bytes=draw(st.integers(1, 10**6)),
            centre_ids=draw(st.sampled_from(SOME_CENTRES)),
            data_class=draw(st.sampled_from((None, "c", "d"))),
        )
        for number in range(3)
    ]
    links = draw(st.sampled_from(((), (Link(mbit_per_s=1, centre_ids=CENTRES),))))
    return with_data(*datasets, classes=classes, links=links)


@st.composite
def readers(draw: st.DrawFn) -> Job:
    data_ids = st.lists(st.sampled_from(("d0", "d1", "d2")), unique=True, max_size=3).map(tuple)
    return a_job(
        data_ids=draw(data_ids),
        data_class=draw(st.sampled_from((None, "c", "d"))),
        centre_ids=draw(st.sampled_from(((), *SOME_CENTRES))),
        device_kind_ids=draw(st.sampled_from(((), ("npu",), ("gpu", "npu")))),
        device_count=draw(st.sampled_from((1, 8))),
    )


@given(parks_of_data(), st.lists(readers(), min_size=1, max_size=6))
def test_never_is_a_job_where_its_data_may_not_be(park: Park, readers: list[Job]) -> None:
    state = a_state(park=park)
    jobs = {f"j{number}": replace(job, id=f"j{number}") for number, job in enumerate(readers)}
    submit(state, *jobs.values())

    drawn_up = plan(state, 0)
    places = {grant.job_id: grant.placement.centre_id for grant in drawn_up.grants}
    for job_id, verdict in drawn_up.verdicts.items():
        if verdict.start is not None:
            places[job_id] = park.pool_by_id[verdict.start.pool_id].centre_id

    for job_id, centre_id in places.items():
        job = jobs[job_id]
        classes = [job.data_class, *(park.dataset_by_id[d].data_class for d in job.data_ids)]
        for class_id in filter(None, classes):
            assert centre_id in (park.data_class_by_id[class_id].centre_ids or CENTRES)
        assert centre_id in (job.centre_ids or CENTRES)


@given(parks_of_data(), readers())
def test_on_an_empty_park_it_goes_where_its_data_comes_soonest(park: Park, job: Job) -> None:
    """And the planner and who checks it agree on where that may be."""
    state = a_state(park=park)
    submit(state, job)
    wanted = [
        pool
        for pool in park.pools
        if (not job.device_kind_ids or pool.device_kind_id in job.device_kind_ids)
        and pool.cards_per_node >= job.device_count
        and custody_refusal(job, a_placement(pool.id, 1), park) is None
    ]

    grants = plan(state, 0).grants

    assert bool(grants) is bool(wanted)
    for grant in grants:
        transfers = {
            pool.centre_id: sum(
                park.transfer_ms(park.dataset_by_id[d], pool.centre_id) for d in job.data_ids
            )
            for pool in wanted
        }
        assert transfers[grant.placement.centre_id] == min(transfers.values())

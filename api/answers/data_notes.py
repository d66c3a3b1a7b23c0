"""What a job's data does to where it may be, and how soon it is there: in both languages."""

from collections.abc import Iterator

from pydantic import ByteSize

from api.schemas.durations import about
from api.schemas.jobs import DataNote, JobSpec
from cluster.datasets import DataClass, Dataset
from cluster.inventory import Park
from scheduler.model.locality import data_centre_ids, restrictions

CENTRES_TOLD = 8


def data_notes(spec: JobSpec, park: Park) -> list[DataNote]:
    """Each class that keeps it out of some centre, then each of its datasets that the park has."""
    data_ids = tuple(spec.data)
    allowed = data_centre_ids(spec.data_class, data_ids, park)
    datasets = (park.dataset_by_id.get(data_id) for data_id in data_ids)
    return [
        *(_of_class(one) for one in restrictions(spec.data_class, data_ids, park)),
        *(_of_dataset(one, park, allowed) for one in datasets if one is not None),
    ]


def _of_class(data_class: DataClass) -> DataNote:
    centres = ", ".join(data_class.centre_ids)
    return DataNote(
        data_class=data_class.id,
        centres=list(data_class.centre_ids),
        text=f"data class {data_class.id}: only {centres}",
        text_zh=f"数据分级 {data_class.id}：仅限 {centres}",
    )


def _of_dataset(dataset: Dataset, park: Park, allowed: tuple[str, ...]) -> DataNote:
    size = ByteSize(dataset.size_bytes).human_readable(separator=" ")
    centres = ", ".join(dataset.centre_ids)
    transfers = dict(_transfers(dataset, park, allowed))
    told = list(transfers.items())[:CENTRES_TOLD]
    times = ", ".join(f"{about(taken_ms)} to {centre_id}" for centre_id, taken_ms in told)
    times_zh = "、".join(f"到 {centre_id} 需 {about(taken_ms)}" for centre_id, taken_ms in told)
    return DataNote(
        dataset=dataset.id,
        data_class=dataset.data_class,
        centres=list(dataset.centre_ids),
        transfer_ms=transfers,
        text=f"dataset {dataset.id}: {size} in {centres}" + (f"; {times}" if told else ""),
        text_zh=f"数据集 {dataset.id}：{size}，位于 {centres}" + (f"；{times_zh}" if told else ""),
    )


def _transfers(dataset: Dataset, park: Park, allowed: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """To the other centres that the job may be in, the soonest first."""
    taken = [
        (park.transfer_ms(dataset, centre_id), centre_id)
        for centre_id in allowed
        if centre_id not in dataset.centre_ids
    ]
    for taken_ms, centre_id in sorted(taken):
        yield centre_id, taken_ms

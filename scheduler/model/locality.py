"""Where a job may be for the sake of its data, and how long that takes to come there.

The broker moves no data: its job fetches what is not there, in its own time, and the planner
counts with how long that takes.
"""

from collections.abc import Iterator

from cluster.datasets import DataClass
from cluster.inventory import Park
from scheduler.model.job import Reason, ReasonCode

DataIds = tuple[str, ...]


def data_centre_ids(data_class: str | None, data_ids: DataIds, park: Park) -> tuple[str, ...]:
    """Centres that every class of the data allows, in the park's order.

    None where the park does not know the class or one of the datasets: then nothing is known of
    where it may be.
    """
    if any(_unknown(data_class, data_ids, park)):
        return ()
    allowed = [one.centre_ids for one in restrictions(data_class, data_ids, park)]
    centre_ids = park.centre_by_id
    return tuple(one for one in centre_ids if all(one in of_class for of_class in allowed))


def restrictions(data_class: str | None, data_ids: DataIds, park: Park) -> tuple[DataClass, ...]:
    """The classes that keep the data out of some centre, each once; what is unknown is left out."""
    datasets = (park.dataset_by_id.get(data_id) for data_id in data_ids)
    class_ids = [data_class, *(dataset.data_class for dataset in datasets if dataset)]
    classes = [park.data_class_by_id.get(class_id or "") for class_id in dict.fromkeys(class_ids)]
    return tuple(one for one in classes if one is not None and one.centre_ids)


def transfer_ms(data_ids: DataIds, centre_id: str, park: Park) -> int:
    """How long the datasets take to come to the centre, one after the other; all are known."""
    return sum(park.transfer_ms(park.dataset_by_id[data_id], centre_id) for data_id in data_ids)


def data_reasons(data_class: str | None, data_ids: DataIds, park: Park) -> Iterator[Reason]:
    """What the data does to where a job may be, where that leaves it no pool."""
    yield from _unknown(data_class, data_ids, park)
    for one in restrictions(data_class, data_ids, park):
        allowed = ", ".join(one.centre_ids)
        yield Reason(code=ReasonCode.DATA_NOT_ALLOWED, where=one.id, detail=allowed)


def _unknown(data_class: str | None, data_ids: DataIds, park: Park) -> Iterator[Reason]:
    if data_class is not None and data_class not in park.data_class_by_id:
        yield Reason(code=ReasonCode.UNKNOWN_DATA_CLASS, where=data_class)
    for data_id in data_ids:
        if data_id not in park.dataset_by_id:
            yield Reason(code=ReasonCode.UNKNOWN_DATA, where=data_id)

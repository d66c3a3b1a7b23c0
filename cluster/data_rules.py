"""What the data of a park must be: known centres and classes, and links by which it comes."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

from cluster.datasets import Dataset
from cluster.inventory import Park

DATASETS_MAX = 10_000


def with_dataset(park: Park, dataset: Dataset) -> Park:
    """The park with this dataset, in the place of the one of its id where there is one."""
    return replace(park, datasets=tuple((park.dataset_by_id | {dataset.id: dataset}).values()))


def data_problems(park: Park, tenant_ids: Collection[str]) -> Iterator[str]:
    """What is wrong with the data of a park, whose names are each given once; empty if nothing."""
    for data_class in park.data_classes:
        yield from _unknown(park, f"data class {data_class.id}", data_class.centre_ids)
    yield from _link_problems(park)
    for dataset in park.datasets:
        yield from dataset_problems(park, dataset, tenant_ids)


def dataset_problems(park: Park, dataset: Dataset, tenant_ids: Collection[str]) -> Iterator[str]:
    """What is wrong with one dataset in this park."""
    where = f"dataset {dataset.id}"
    if dataset.tenant_id is not None and dataset.tenant_id not in tenant_ids:
        yield f"{where}: tenant {dataset.tenant_id} is not among tenants"
    unknown = list(_unknown(park, where, dataset.centre_ids))
    yield from unknown
    data_class = park.data_class_by_id.get(dataset.data_class or "")
    if dataset.data_class is not None and data_class is None:
        yield f"{where}: data_class {dataset.data_class} is not among data_classes"
        return
    allowed = data_class.centre_ids if data_class else ()
    for centre_id in dataset.centre_ids:
        if allowed and centre_id not in allowed:
            yield (
                f"{where}: centre {centre_id} holds it, and data of class {dataset.data_class} "
                f"may be in {', '.join(allowed)} alone"
            )
    if not unknown:
        yield from _unreachable(park, dataset, allowed or tuple(park.centre_by_id))


def _unreachable(park: Park, dataset: Dataset, centre_ids: tuple[str, ...]) -> Iterator[str]:
    for centre_id in centre_ids:
        held_in = dataset.centre_ids
        if centre_id in held_in or any(park.mbit_per_s(one, centre_id) for one in held_in):
            continue
        yield (
            f"dataset {dataset.id}: no link says how fast it comes to centre {centre_id}; "
            f"give one between {held_in[0]} and {centre_id}, or one without `between` for all"
        )


def _link_problems(park: Park) -> Iterator[str]:
    for link in park.links:
        ends = " and ".join(link.centre_ids)
        yield from _unknown(park, f"link between {ends}", link.centre_ids)
        if len(link.centre_ids) != len(set(link.centre_ids)):
            yield f"link between {ends}: it needs two centres"
    for centre_ids, count in Counter(link.centre_ids for link in park.links).items():
        if count > 1:
            named = f"between {' and '.join(centre_ids)}"
            which = named if centre_ids else "without `between`"
            yield f"a link {which} is given {count} times"


def _unknown(park: Park, where: str, centre_ids: Collection[str]) -> Iterator[str]:
    for centre_id in centre_ids:
        if centre_id not in park.centre_by_id:
            yield f"{where}: centre {centre_id} is not among centres"

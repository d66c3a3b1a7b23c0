"""Datasets and classes of data: as the park file has them, and operators since."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.asking import ask, heard, request_id
from api.auth import OperatorDep, PersonDep
from api.errors import Refused
from api.examples.requests import DATASET_EXAMPLES
from api.routes.parameters import NAME_PATTERN, problems
from api.schemas.administration import DataClassView, DatasetList, DatasetPut, DatasetView
from api.services import ServicesDep
from cluster.data_rules import dataset_problems
from cluster.datasets import Dataset
from scheduler.facts.events import DatasetDeclared
from scheduler.facts.log import Request

router = APIRouter(prefix="/v1", tags=["machines"])

DatasetId = Annotated[str, Path(pattern=NAME_PATTERN, description="the dataset's id")]


@router.get("/datasets", responses=problems(), summary="List datasets, and classes of data")
def list_datasets(caller: PersonDep, services: ServicesDep) -> DatasetList:
    """What jobs may name in `data` and `data_class`; a tenant sees its own and those of all."""
    park = services.read_declared().park
    return DatasetList(
        items=[
            _view(one)
            for one in park.datasets
            if one.tenant_id is None or caller.may_see(one.tenant_id)
        ],
        classes=[
            DataClassView(
                id=one.id, name=one.name, centres=list(one.centre_ids or park.centre_by_id)
            )
            for one in park.data_classes
        ],
    )


@router.put("/datasets/{dataset_id}", responses=problems(409), summary="Declare a dataset")
def put_dataset(
    dataset_id: DatasetId,
    wanted: Annotated[DatasetPut, Body(openapi_examples=DATASET_EXAMPLES)],
    _: OperatorDep,
    services: ServicesDep,
) -> DatasetView:
    """Make a dataset known, or say where it lies and what it is from now on.

    It holds until a changed park file is declared, which says anew what there is. 409 where work
    that runs would then be where its data may not be.
    """
    dataset = Dataset(
        id=dataset_id,
        size_bytes=int(wanted.size),
        centre_ids=tuple(wanted.centres),
        data_class=wanted.data_class,
        tenant_id=wanted.tenant,
    )
    declared = services.read_declared()
    if wrong := list(dataset_problems(declared.park, dataset, declared.tenants)):
        raise Refused(422, "; ".join(wrong))
    wish = DatasetDeclared(at_ms=services.clock(), dataset=dataset)
    heard(ask(services, Request(id=request_id("dataset", None), wish=wish)).is_consumed)
    return _view(dataset)


def _view(dataset: Dataset) -> DatasetView:
    return DatasetView(
        id=dataset.id,
        tenant=dataset.tenant_id,
        size_bytes=dataset.size_bytes,
        data_class=dataset.data_class,
        centres=list(dataset.centre_ids),
    )

"""Datasets and classes of data, as the park file has them."""

from fastapi import APIRouter

from api.administration import DataClassView, DatasetList, DatasetView
from api.auth import PersonDep
from api.routes.parameters import problems
from api.services import ServicesDep

router = APIRouter(prefix="/v1", tags=["machines"])


@router.get("/datasets", responses=problems(), summary="List datasets, and classes of data")
def list_datasets(caller: PersonDep, services: ServicesDep) -> DatasetList:
    """What jobs may name in `data` and `data_class`; a tenant sees its own and those of all."""
    with services.database.connect() as connection:
        park = services.declared.read(connection).park
    return DatasetList(
        items=[
            DatasetView(
                id=one.id,
                tenant=one.tenant_id,
                size_bytes=one.size_bytes,
                data_class=one.data_class,
                centres=list(one.centre_ids),
            )
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

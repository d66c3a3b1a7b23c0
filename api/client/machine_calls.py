"""The client's calls about machines, how busy they are, and the data that centres hold."""

from api.client.connection import Connection, quoted
from api.schemas.administration import DatasetList, DatasetPut, DatasetView, NodeList, NodesDrain
from api.schemas.capacity import CapacityView, UtilisationView, WaterfallView
from api.schemas.reports import BrainReport


class MachineCalls:
    """A part of `api.sdk.Client`."""

    _wire: Connection

    def capacity(self) -> CapacityView:
        return self._wire.get("/v1/capacity", CapacityView)

    def utilisation(self, from_ms: int | None = None, to_ms: int | None = None) -> UtilisationView:
        return self._wire.get("/v1/utilisation", UtilisationView, from_ms=from_ms, to_ms=to_ms)

    def nodes(self, centre: str | None = None, pool: str | None = None) -> NodeList:
        """All nodes, or those of a centre or a pool."""
        return self._wire.get("/v1/nodes", NodeList, centre=centre, pool=pool)

    def drain(
        self, nodes: list[str], centre: str | None = None, *, is_over: bool = False
    ) -> NodeList:
        """Take nodes, or a centre, out for maintenance; with `is_over` back again."""
        path = "/v1/nodes:resume" if is_over else "/v1/nodes:drain"
        return self._wire.create(path, NodesDrain(nodes=nodes, centre=centre), NodeList, None)

    def waterfall(
        self,
        by: str = "centre",
        each: str = "whole",
        from_ms: int | None = None,
        to_ms: int | None = None,
    ) -> WaterfallView:
        """Where capacity went, by `park`, `centre`, `pool`, `device`, `tenant` or `field`."""
        window = {"from_ms": from_ms, "to_ms": to_ms}
        path = "/v1/utilisation/waterfall"
        return self._wire.get(path, WaterfallView, by=by, each=each, **window)

    def report(self, month: str) -> BrainReport:
        """A month of the park; for operators and finance."""
        return self._wire.get(f"/v1/brain/reports/{quoted(month)}", BrainReport)

    def datasets(self) -> DatasetList:
        return self._wire.get("/v1/datasets", DatasetList)

    def declare_dataset(self, dataset_id: str, dataset: DatasetPut) -> DatasetView:
        """Make a dataset known, or say where it lies and what it is from now on."""
        return self._wire.put(f"/v1/datasets/{quoted(dataset_id)}", dataset, DatasetView)

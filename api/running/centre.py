"""An agent's process put together: its centre from the park file, its Ray, and its key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.files.park_file import DEFAULT_PARK, load
from api.running.guard import centres_of
from api.settings import Settings
from cluster.agent import AgentSettings, run
from cluster.kept_nodes import KeptNodes
from cluster.local_ray import LocalRay


class CentreInvalid(Exception):
    """The agent cannot be started; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayPlace:
    """Where a centre's Ray is, and the file with its token."""

    address: str
    token_path: Path


def run_agent(settings: Settings, centre_id: str, ray: RayPlace | None) -> None:
    """Serve a centre until told to end.

    Where no Ray is named, it is a local one with the nodes that the park file says, which is
    started here, and stopped in the end, unless it runs already.
    """
    park = load(settings.park).park
    centre = park.centre_by_id.get(centre_id)
    if centre is None:
        raise CentreInvalid(
            f"there is no centre {centre_id} (there: {', '.join(park.centre_by_id)})"
        )
    if settings.api_key is None:
        raise CentreInvalid(f"set BRAIN_API_KEY to a key of role agent for centre {centre_id}")
    with _ray(settings, centre_id, ray) as place:
        run(
            AgentSettings(
                centre=centre,
                device_kind_by_id=park.device_kind_by_id,
                url=settings.url,
                api_key=settings.api_key.get_secret_value(),
                ray_address=place.address,
                ray_token_path=place.token_path,
                data_dir=settings.data / "centres" / centre_id,
                uid_from=None if settings.member_users == "off" else settings.member_uid_from,
                is_uid_required=settings.member_users == "required",
                is_logical=park.is_logical,
            )
        )


@contextmanager
def _ray(settings: Settings, centre_id: str, named: RayPlace | None) -> Iterator[RayPlace]:
    if named is not None:
        yield named
        return
    local = _local_ray(settings, centre_id)
    is_ours = not local.is_running()
    local.start()
    kept = KeptNodes(local)
    kept.start()
    try:
        yield RayPlace(address=local.address, token_path=local.token_path)
    finally:
        kept.end()
        if is_ours:
            local.stop()


def _local_ray(settings: Settings, centre_id: str) -> LocalRay:
    clusters = centres_of(settings.park or DEFAULT_PARK, settings.data)
    return next(cluster for cluster in clusters if cluster.centre.id == centre_id)

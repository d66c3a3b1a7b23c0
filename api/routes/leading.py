"""Where to ask what only the leader knows."""

from sqlalchemy import select

from api.errors import Refused
from api.services import Services
from scheduler.storage.tables import LeaderRow


def elsewhere(services: Services, path: str = "") -> Refused:
    """Where the leader is, as far as the database knows."""
    with services.database.connect() as connection:
        url = connection.scalar(select(LeaderRow.url))
    if not url or url == services.settings.url:
        return Refused(503, "nobody leads just now", headers={"Retry-After": "1"})
    return Refused(307, f"the leader is at {url}", headers={"Location": url + path})

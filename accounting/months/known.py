"""Which months the books know."""

from sqlalchemy import Connection, select, text

from accounting.storage import package_store as packages
from accounting.storage.tables import ClosingRow


def months(connection: Connection, tenant_id: str | None = None) -> list[str]:
    """All that are closed, or in which anybody, or this tenant, used or bought; newest first."""
    used = connection.scalars(_USED_MONTHS, {"tenant_id": tenant_id})
    bought = packages.months(connection, tenant_id)
    return sorted({*used, *bought, *connection.scalars(select(ClosingRow.month))}, reverse=True)


# From month to month by the index: it costs as many steps as there are months.
_USED_MONTHS = text("""
    WITH RECURSIVE used AS (
        SELECT min(month) AS month FROM usage
        WHERE CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id
        UNION ALL
        SELECT (SELECT min(month) FROM usage WHERE month > used.month
            AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id))
        FROM used WHERE month IS NOT NULL
    )
    SELECT month FROM used WHERE month IS NOT NULL
""")

"""By when those start whom others pass in a plan: what they were promised is to stay so."""

from scheduler.facts.record import JobRecord
from scheduler.timing.backfill import Reservation


class Passed:
    """`kept_ms` has by when each is to start; what is promised to whom nobody passes may change."""

    def __init__(self) -> None:
        self.kept_ms: dict[str, int] = {}
        self._promised_ms: dict[str, int] = {}

    def promise(self, record: JobRecord, reservation: Reservation) -> None:
        """It has leeway, so that others may pass."""
        if not reservation.is_firm and reservation.start_ms != record.promised_ms:
            self._promised_ms[record.job.id] = reservation.start_ms

    def note(self) -> None:
        """Somebody else takes cards: all who were promised a start until now are passed."""
        self.kept_ms |= self._promised_ms

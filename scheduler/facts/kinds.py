"""Jobs that wait by what makes them alike, so that a plan asks of one what holds of many."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from scheduler.facts.record import JobRecord

Kind = tuple[Hashable, Hashable, Hashable, Hashable, str]
"""Of what size a job is, of what shape, which is of one size, what else makes jobs alike, what of
that makes them as long, and what it is called: that makes a difference only where others have run
that were called so."""
KindOf = Callable[[JobRecord], Kind]
Alike = dict[str, JobRecord]
"""Jobs of one shape that are alike in all."""
Inner = TypeVar("Inner")


class Kinds:
    """The same jobs twice; nothing is kept where there are none.

    `by_shape` has them by shape, by what else makes them alike, and by name; `by_size` by size, by
    what makes them as long, by name, and by shape with what else makes them alike.
    """

    def __init__(self, of: KindOf, records: Iterable[JobRecord]) -> None:
        self.of = of
        self.by_shape: dict[Hashable, dict[Hashable, dict[str, Alike]]] = {}
        self.by_size: dict[Hashable, dict[Hashable, dict[str, dict[Hashable, Alike]]]] = {}
        self._kind_by_id: dict[str, Kind] = {}
        for record in records:
            self.add(record)

    def add(self, record: JobRecord) -> None:
        size, shape, own, length, name = self._kind_by_id[record.job.id] = self.of(record)
        by_name = self.by_shape.setdefault(shape, {}).setdefault(own, {})
        alike = by_name.get(name)
        if alike is None:
            alike = by_name[name] = {}
            of_size = self.by_size.setdefault(size, {}).setdefault(length, {})
            of_size.setdefault(name, {})[shape, own] = alike
        alike[record.job.id] = record

    def discard(self, record: JobRecord) -> None:
        size, shape, own, length, name = self._kind_by_id.pop(record.job.id)
        by_name, of_size = self.by_shape[shape][own], self.by_size[size][length]
        del by_name[name][record.job.id]
        if by_name[name]:
            return
        del by_name[name]
        if not by_name:
            _drop(self.by_shape, shape, own)
        del of_size[name][shape, own]
        if not of_size[name]:
            del of_size[name]
        if not of_size:
            _drop(self.by_size, size, length)

    def check(self, records: Iterable[JobRecord]) -> None:
        """Raise `AssertionError` where they are not these."""
        anew = Kinds(self.of, records)
        assert self.by_shape == anew.by_shape, "the kinds drifted from the queue"
        assert self.by_size == anew.by_size, "the kinds by size drifted from the queue"


def _drop(kept: dict[Hashable, dict[Hashable, Inner]], outer: Hashable, inner: Hashable) -> None:
    """Without this one, and without its outer one where it was the last."""
    del kept[outer][inner]
    if not kept[outer]:
        del kept[outer]

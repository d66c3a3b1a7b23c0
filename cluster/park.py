"""Whether a park's stated capacity is what its inventory sums to."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.inventory import Park


@dataclass(frozen=True, slots=True, kw_only=True)
class SumMismatch:
    """`where` (a centre or the park) states one number, and its `parts` sum to another."""

    where: str
    parts: str
    stated_tflops: int
    sum_tflops: int

    @property
    def difference_tflops(self) -> int:
        """Positive where more is stated than there is."""
        return self.stated_tflops - self.sum_tflops


def sum_mismatches(park: Park) -> Iterator[SumMismatch]:
    """Pools must sum to their centre, and centres to the park; yields where they do not."""
    for centre in park.centres:
        yield from _mismatch(
            f"centre {centre.id}",
            "pools",
            centre.stated_tflops,
            park.registered_tflops(centre.pools),
        )
    centres_tflops = sum(centre.stated_tflops for centre in park.centres)
    yield from _mismatch(f"park {park.id}", "centres", park.stated_tflops, centres_tflops)


def _mismatch(where: str, parts: str, stated: int, total: int) -> Iterator[SumMismatch]:
    if stated != total:
        yield SumMismatch(where=where, parts=parts, stated_tflops=stated, sum_tflops=total)

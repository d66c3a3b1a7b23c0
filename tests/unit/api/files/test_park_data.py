"""A park file says where data lies and where it may be, or is refused with what is wrong."""

from pathlib import Path

import pytest

from api.declaring import _digest
from api.files.park_file import ParkFileInvalid, load
from cluster.datasets import DataClass, Dataset, Link
from cluster.inventory import Park
from scheduler.facts.events import ParkDeclared
from tests.unit.api.files.test_park_file import SMALL, written

TIB = 1 << 40
DATA = """\
data_classes:
  - {id: medical, name: 医疗数据, centres: [east]}
  - {id: plain, name: Plain}
datasets:
  - {id: scans, tenant: a, size: 1.5TiB, data_class: medical, centres: [east]}
  - {id: web, size: 300 GB, centres: [west]}
  - {id: bytes, size: 1, data_class: plain, centres: [west, east]}
links:
  - {between: [west, east], gbit_per_s: 0.5}
  - {gbit_per_s: 10}
"""


def park_of(folder: Path, data: str) -> Park:
    return load(written(folder, SMALL + data)).park


def refusal(folder: Path, old: str, new: str) -> str:
    """What `load` says to the same data with one thing changed."""
    assert DATA.count(old) == 1
    with pytest.raises(ParkFileInvalid) as refused:
        park_of(folder, DATA.replace(old, new))
    return str(refused.value)


def test_what_a_file_says_of_data_is_the_parks(tmp_path: Path) -> None:
    park = park_of(tmp_path, DATA)

    assert park.data_classes == (
        DataClass(id="medical", name="医疗数据", centre_ids=("east",)),
        DataClass(id="plain", name="Plain"),
    )
    assert park.datasets == (
        Dataset(
            id="scans",
            size_bytes=3 * TIB // 2,
            centre_ids=("east",),
            data_class="medical",
            tenant_id="a",
        ),
        Dataset(id="web", size_bytes=300 * 10**9, centre_ids=("west",)),
        Dataset(id="bytes", size_bytes=1, centre_ids=("west", "east"), data_class="plain"),
    )
    assert park.links == (
        Link(mbit_per_s=500, centre_ids=("east", "west")),
        Link(mbit_per_s=10_000),
    )


def test_a_file_without_data_is_the_same_declaration_as_before(tmp_path: Path) -> None:
    """The digest of the same text by the release before."""
    park = park_of(tmp_path, "")

    assert (park.data_classes, park.datasets, park.links) == ((), (), ())
    assert _digest(ParkDeclared(at_ms=1, park=park)) == "0ec8c54ccf8723c490cf3c91"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("id: plain, name", "id: medical, name", "data class medical is given 2 times"),
        ("id: web", "id: scans", "dataset scans is given 2 times"),
        ("name: Plain", "name: Plain, centres: []", "data_classes[1].centres: List should have"),
        ("name: Plain", "name: Plain, centres: [n]", "data class plain: centre n is not among"),
        ("tenant: a", "tenant: b", "dataset scans: tenant b is not among tenants"),
        ("data_class: plain", "data_class: p", "dataset bytes: data_class p is not among"),
        ("centres: [west, east]", "centres: [n]", "dataset bytes: centre n is not among centres"),
        ("centres: [west, east]", "centres: []", "datasets[2].centres: List should have"),
        (
            "data_class: medical, centres: [east]",
            "data_class: medical, centres: [east, west]",
            "dataset scans: centre west holds it, and data of class medical may be in east alone",
        ),
        ("size: 1.5TiB", "size: 1.5", "datasets[0].size: needs a size"),
        ("size: 1.5TiB", "size: true", "datasets[0].size: needs a size"),
        ("size: 1.5TiB", "size: 3 lots", "datasets[0].size: needs a size"),
        ("size: 1.5TiB", "size: 0", "datasets[0].size: Input should be greater"),
        ("size: 1.5TiB", "size: 9999PiB", "datasets[0].size: Input should be less"),
        ("size: 1.5TiB", "size: 1.5TiB, colour: red", "datasets[0].colour: Extra inputs"),
        ("gbit_per_s: 0.5", "gbit_per_s: 0", "links[0].gbit_per_s: needs Gbit/s"),
        ("gbit_per_s: 0.5", "gbit_per_s: 0.0005", "links[0].gbit_per_s: needs Gbit/s"),
        ("gbit_per_s: 0.5", "gbit_per_s: 1.0005", "links[0].gbit_per_s: needs Gbit/s"),
        ("gbit_per_s: 0.5", "gbit_per_s: 100001", "links[0].gbit_per_s: needs Gbit/s"),
        ("gbit_per_s: 0.5", "gbit_per_s: fast", "links[0].gbit_per_s: needs Gbit/s"),
        ("between: [west, east]", "between: [west]", "links[0].between: List should have"),
        ("between: [west, east]", "between: [west, n]", "between n and west: centre n is not"),
        (
            "between: [west, east]",
            "between: [west, west]",
            "link between west and west: it needs two centres",
        ),
        ("  - {gbit_per_s: 10}", "  - {gbit_per_s: 1}\n  - {gbit_per_s: 1}", "without `between`"),
        (
            "  - {gbit_per_s: 10}",
            "  - {gbit_per_s: 1, between: [east, west]}",
            "a link between east and west is given 2 times",
        ),
        (
            "  - {between: [west, east], gbit_per_s: 0.5}\n  - {gbit_per_s: 10}\n",
            "  []\n",
            "dataset web: no link says how fast it comes to centre east; give one between west",
        ),
    ],
)
def test_bad_data_is_refused_by_its_name(tmp_path: Path, old: str, new: str, what: str) -> None:
    text = refusal(tmp_path, old, new)

    assert what in text
    assert "scans: no link" not in text, "it may be in the one centre that holds it"


def test_what_lies_where_it_may_be_needs_no_link(tmp_path: Path) -> None:
    lies = DATA.partition("  - {id: web")[0]

    assert [dataset.id for dataset in park_of(tmp_path, lies).datasets] == ["scans"]


# How long it takes.


@pytest.mark.parametrize(
    ("dataset_id", "centre_id", "took_ms"),
    [
        ("web", "west", 0),
        ("web", "east", 300 * 10**9 * 8 // 500_000),
        ("bytes", "east", 0),
    ],
)
def test_data_comes_at_the_speed_of_the_link(
    tmp_path: Path, dataset_id: str, centre_id: str, took_ms: int
) -> None:
    park = park_of(tmp_path, DATA)

    assert park.transfer_ms(park.dataset_by_id[dataset_id], centre_id) == took_ms


def test_it_comes_from_where_it_comes_fastest_and_no_byte_is_free(tmp_path: Path) -> None:
    north = SMALL.replace("stated_tflops: 8000", "stated_tflops: 12000").replace(
        "fields:\n",
        "  - id: north\n    name: N\n    operator: O\n    stated_tflops: 4000\n    pools:\n"
        "      - {id: north-x, device: npu-x, nodes: 2, cards_per_node: 8}\nfields:\n",
    )
    slow = "links:\n  - {between: [north, east], gbit_per_s: 0.001}\n  - {gbit_per_s: 1}\n"
    both = "datasets:\n  - {id: d, size: 126, centres: [east, west]}\n"
    one = "datasets:\n  - {id: d, size: 126, centres: [east]}\n"

    near, far = (load(written(tmp_path, north + data + slow)).park for data in (both, one))

    assert near.transfer_ms(near.datasets[0], "north") == 1, "1,008 bits at 1,000,000 bits a ms"
    assert far.transfer_ms(far.datasets[0], "north") == 2, "and at 1,000"
    assert far.transfer_ms(far.datasets[0], "west") == 1

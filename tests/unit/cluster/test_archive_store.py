"""The archives that a node keeps."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.archive import BadArchive
from cluster.archive_store import ARCHIVES_KEPT, USED_S, ArchiveStore


def kept(store: ArchiveStore, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    store.keep(sha256, data)
    return sha256


def test_many_may_bring_the_same_at_once(tmp_path: Path) -> None:
    store = ArchiveStore(tmp_path / "archives")
    data = os.urandom(8 << 20)

    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(lambda _: kept(store, data), range(8)))

    [name] = names
    assert [path.name for path in (tmp_path / "archives").iterdir()] == [name]
    assert (tmp_path / "archives" / name).read_bytes() == data


def test_what_is_used_stays_though_many_others_come(tmp_path: Path) -> None:
    store = ArchiveStore(tmp_path)
    names = [kept(store, b"%d" % number) for number in range(ARCHIVES_KEPT + 3)]

    assert all(map(store.has, names))


def test_of_what_nobody_uses_the_oldest_goes(tmp_path: Path) -> None:
    store = ArchiveStore(tmp_path)
    names = [kept(store, b"%d" % number) for number in range(ARCHIVES_KEPT)]
    for number, name in enumerate(names):
        at_s = (tmp_path / name).stat().st_mtime - 2 * USED_S + number
        os.utime(tmp_path / name, (at_s, at_s))

    was_used = store.has(names[0])
    kept(store, b"new")

    assert was_used
    assert [store.has(name) for name in names] == [True, False, *[True] * (ARCHIVES_KEPT - 2)]


def test_what_is_damaged_is_not_kept_and_what_is_gone_is_said(tmp_path: Path) -> None:
    store = ArchiveStore(tmp_path)

    with pytest.raises(BadArchive, match="damaged"):
        store.keep("0" * 64, b"something else")
    with pytest.raises(BadArchive, match="no longer has"):
        store.unpack("0" * 64, tmp_path / "work")

    assert list(tmp_path.iterdir()) == []

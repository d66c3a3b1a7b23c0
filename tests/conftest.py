"""What many tests share: a real PostgreSQL, and a fresh database in it for each test."""

import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Connection, Engine
from typing_extensions import override
from xdist.scheduler import LoadGroupScheduling

from api.database import engine, migrate
from api.postgres import EmbeddedPostgres
from cluster.local_ray import LocalRay
from tests.ray_centre import CENTRE, PARK

os.environ["BRAIN_LANG"] = "en"  # whatever this machine speaks, texts are compared in English
os.environ.pop("COLUMNS", None)  # else all that is printed has the width of this terminal

# No test is red because the machine was busy for a moment.
settings.register_profile(
    "here", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50
)
settings.register_profile("at-length", settings.get_profile("here"), max_examples=100)
settings.load_profile("here")  # `make test-all` chooses the other

TEMPLATE = "brain_template"
LOCAL_RAY_INDEX = 90  # an address that no park on this machine is likely to use
MEMORY = Path("/dev/shm")  # noqa: S108 # each folder in it is our own
MEMORY_BYTES_MIN = 2 << 30
LONGEST = ("up", "ray")
"""Whoever took these groups last would be waited for by all others. Each has its own clusters."""
CLUSTERS = pytest.StashKey[ExitStack]()

FIRST_S = 240
"""So long a test with a database may take: the first of a worker makes what all others share.

On a busy machine that takes minutes, and where it fails, all others fail with it.
"""

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)  # the workers read the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a database; keep the tests on Ray together in one worker, and first."""
    for item in items:
        if "database_url" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
        if "postgres" in getattr(item, "fixturenames", ()) and not _has_limit(item):
            item.add_marker(pytest.mark.timeout(FIRST_S))
        if item.get_closest_marker("ray") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("ray"))
    items.sort(key=_rank)


def _has_limit(item: pytest.Item) -> bool:
    return item.get_closest_marker("timeout") is not None


def _rank(item: pytest.Item) -> int:
    mark = item.get_closest_marker("xdist_group")
    return LONGEST.index(mark.args[0]) if mark and mark.args[0] in LONGEST else len(LONGEST)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All tests and what they import stay: nothing of it is looked through for what is lost."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)  # once all is given back that its last test had
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a group's clusters with it: idle, they would take a tenth of a core from all others."""
    if nextitem is None or _rank(nextitem) != _rank(item):
        item.session.stash.get(CLUSTERS, ExitStack()).close()


class ByModule(LoadGroupScheduling):  # type: ignore[misc] # xdist tells no types
    """Each group or else module to one worker, so that what a module's tests share is made once."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return str(super()._split_scope(nodeid)).partition("::")[0]


@pytest.hookimpl(optionalhook=True)  # also where xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule | None:
    return ByModule(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One server for each test worker; its folder's path is short enough for a socket."""
    with (
        tempfile.TemporaryDirectory(prefix="brain-", dir=_in_memory()) as folder,
        EmbeddedPostgres(
            Path(folder),
            autovacuum="off",
            fsync="off",
            full_page_writes="off",
            max_wal_size="96MB",
            shared_buffers="32MB",
            synchronous_commit="off",
        ) as server,
    ):
        yield server


def _in_memory() -> Path | None:
    """Where a database's 500 files are copied at a fifth of the cost, if there is room for them."""
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES_MIN
    return MEMORY if has_room else None


@pytest.fixture(scope="session")
def clusters(request: pytest.FixtureRequest) -> Iterator[ExitStack]:
    """What is entered here ends with the group of tests that uses it (see above)."""
    with ExitStack() as entered:
        request.session.stash[CLUSTERS] = entered
        yield entered


@pytest.fixture(scope="session")
def local_ray(request: pytest.FixtureRequest, clusters: ExitStack) -> LocalRay:
    """One real Ray cluster for all tests that need one: they share a worker (see above)."""
    if request.config.getoption("loadgroup", default=False):
        scattered = [item.nodeid for item in request.session.items if not _is_grouped(item)]
        assert not scattered, "two workers would each start this Ray cluster at the same address"
    return clusters.enter_context(_local_ray())


@contextmanager
def _local_ray() -> Iterator[LocalRay]:
    with tempfile.TemporaryDirectory(prefix="brain-") as folder:
        cluster = LocalRay(CENTRE, PARK, Path(folder) / "lsl", index=LOCAL_RAY_INDEX)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _is_grouped(item: pytest.Item) -> bool:
    return not item.get_closest_marker("ray") or item.nodeid.endswith(("@ray", "@up"))


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated, empty database that each test's own is a copy of."""
    _administer(postgres, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    with _copied(postgres, template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """The same, connected."""
    connected = engine(database_url)
    yield connected
    connected.dispose()


@pytest.fixture(scope="module")
def module_database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A migrated database that is empty at first, for all tests of one module."""
    with _copied(postgres, template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database(module_database_url: str) -> Iterator[Engine]:
    """The same, connected: for tests that commit nothing, so that each finds it empty."""
    connected = engine(module_database_url)
    yield connected
    connected.dispose()


@pytest.fixture
def connection(module_database: Engine) -> Iterator[Connection]:
    """A transaction that nobody commits."""
    with module_database.connect() as connection:
        yield connection


@contextmanager
def _copied(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    # Without fsync, files that are copied are there sooner than pages that are logged.
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _administer(server, copy.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield server.url(name)
    finally:
        _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: EmbeddedPostgres, statement: sql.Composed) -> None:
    url = server.url().replace("postgresql+psycopg://", "postgresql://")
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(statement)

"""Fixtures of all tests: one PostgreSQL per process, started on first use, and stores to copy."""

import gc
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, credentials
from tests import operators_desk
from tests.lazy_imports import make_imports_lazy
from tests.leaks import Leaks
from tests.postgres import Postgres, PostgresMissing
from tests.quick_pages import make_pages_quick
from tests.quick_stores import QUICK_PASSWORDS, make_quick
from tests.real_clock import RealClock
from tests.searches import examples
from tests.soft_hsm import SoftHsm, soft_hsm

# The duration of an example depends on the machine more than on the code; benchmarks measure time.
settings.register_profile("scamfeed", deadline=None, max_examples=examples(100))
settings.load_profile("scamfeed")
make_imports_lazy()
make_quick()
make_pages_quick()

_LOUDLY = "POSTGRESQL DID NOT RUN"
# Modules with SQL: their tests always run on both databases.
_STORE = Path(__file__).parent / "unit/server/store"
# Tests about password hashing or its duration use the product's hasher.
_SLOW_PASSWORDS = (
    "conformance",
    "robustness",
    "integration/access",
    "unit/server/web/taxii",
    "unit/server/store/test_partners",
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL. If it cannot run, skip the tests that need it, with a visible message."""
    try:
        server = Postgres()
    except PostgresMissing as error:
        pytest.skip(f"{_LOUDLY}: {error}")
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """Create a database with empty tables for copying, and return its name."""
    name = postgres.database()
    store = Store.open(postgres.url(name))
    store.migrate()
    store.close()
    return name


@pytest.fixture(scope="session")
def postgres_initial(postgres: Postgres, postgres_template: str) -> str:
    """Create a database like after ``scamfeed init`` for copying, and return its name."""
    name = postgres.database(postgres_template)
    store = Store.open(postgres.url(name))
    set_up(store)
    store.close()
    return name


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an SQLite store with empty tables. A copy costs a hundredth of a new one."""
    file = tmp_path_factory.mktemp("migrated") / "hub.db"
    store = Store.open(f"sqlite:///{file}")
    store.migrate()
    store.close()
    return file


@pytest.fixture(scope="session")
def initial_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an SQLite store like after ``scamfeed init`` for copying."""
    file = tmp_path_factory.mktemp("initial") / "hub.db"
    store = Store.open(f"sqlite:///{file}")
    set_up(store)
    store.close()
    return file


@pytest.fixture(scope="session")
def desk_store(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an SQLite store with work for operators for copying."""
    file = shutil.copy(initial_store, tmp_path_factory.mktemp("desk") / "hub.db")
    store = Store.open(f"sqlite:///{file}")
    operators_desk.fill(Hub(store))
    store.close()
    return file


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """Run a SoftHSM token, which this process opens once."""
    with pytest.MonkeyPatch.context() as patch:
        yield soft_hsm(tmp_path_factory.mktemp("hsm"), patch)


@pytest.fixture(scope="module", autouse=True)
def quick_passwords(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hash partners' passwords quickly, except in tests about hashing."""
    with pytest.MonkeyPatch.context() as patch:
        tests = Path(__file__).parent
        if not request.path.relative_to(tests).as_posix().startswith(_SLOW_PASSWORDS):
            patch.setattr(credentials, "_ARGON2", QUICK_PASSWORDS)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Let no test depend on the date, or leave anything open."""
    config.pluginmanager.register(RealClock())
    # Only Linux lists what a process has open.
    if sys.platform == "linux":
        config.pluginmanager.register(Leaks())


# Collecting the tests makes millions of objects and frees none.
gc.disable()


def pytest_collection_finish() -> None:
    """Exclude the thousands of tests and their modules from garbage collections, which they slow down."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(5_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make long` does alone, example searches, tests repeated on PostgreSQL, and what `make quick` omits."""
    for item in items:
        if any(not _is_among(item, mark.args) for mark in item.iter_markers("long_but")):
            item.add_marker("long")
        searches = hasattr(getattr(item, "function", None), "hypothesis")
        if searches:
            item.add_marker("search")
        if searches or "postgresql" in item.name:
            item.add_marker("slow")
        if "postgresql" in item.name and _STORE not in item.path.parents:
            item.add_marker("postgresql")


def _is_among(item: pytest.Item, names: Iterable[str]) -> bool:
    """Return whether a test's function or some of its parameters are so named."""
    function, _, case = item.name.removesuffix("]").partition("[")
    return any(name == function or f"-{name}-" in f"-{case}-" for name in names)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print visibly which tests did not run."""
    skipped = terminalreporter.stats.get("skipped", ())
    missing = [report for report in skipped if _LOUDLY in str(report.longrepr)]
    if missing:
        terminalreporter.section(_LOUDLY, red=True, bold=True)
        terminalreporter.line(f"{len(missing)} tests of the store on PostgreSQL did not run. {missing[0].longrepr}")

"""Fixtures of all tests: a PostgreSQL a process, started when the first test asks for it, and stores to copy."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from server.setup import set_up
from server.store import Store, credentials
from tests.postgres import Postgres, PostgresMissing
from tests.quick_stores import QUICK_PASSWORDS, make_quick
from tests.searches import examples
from tests.soft_hsm import SoftHsm, soft_hsm

# How long an example takes says more about the machine than about the code; benchmarks measure time.
settings.register_profile("scamfeed", deadline=None, max_examples=examples(100))
settings.load_profile("scamfeed")
make_quick()

_LOUDLY = "POSTGRESQL DID NOT RUN"
# Where SQL is written: these tests run on both databases each time.
_STORE = Path(__file__).parent / "unit/server/store"
# Here passwords are hashed as in the product: the tests are of how they are hashed, or of how long that takes.
_SLOW_PASSWORDS = (
    "conformance",
    "robustness",
    "integration/access",
    "unit/server/taxii",
    "unit/server/store/test_partners",
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL; where there can be none the tests that need it are counted out, loudly."""
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
    """Create a database with the tables and nothing in them, to copy from, and return its name."""
    name = postgres.database()
    store = Store.open(postgres.url(name))
    store.migrate()
    store.close()
    return name


@pytest.fixture(scope="session")
def postgres_initial(postgres: Postgres, postgres_template: str) -> str:
    """Create a database as ``scamfeed init`` leaves it, to copy from, and return its name."""
    name = postgres.database(postgres_template)
    store = Store.open(postgres.url(name))
    set_up(store)
    store.close()
    return name


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an SQLite store with the tables and nothing in them; a copy costs a hundredth of making one."""
    file = tmp_path_factory.mktemp("migrated") / "hub.db"
    store = Store.open(f"sqlite:///{file}")
    store.migrate()
    store.close()
    return file


@pytest.fixture(scope="session")
def initial_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an SQLite store as ``scamfeed init`` leaves it, to copy from."""
    file = tmp_path_factory.mktemp("initial") / "hub.db"
    store = Store.open(f"sqlite:///{file}")
    set_up(store)
    store.close()
    return file


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """Run a token of SoftHSM, which this process opens once."""
    with pytest.MonkeyPatch.context() as patch:
        yield soft_hsm(tmp_path_factory.mktemp("hsm"), patch)


@pytest.fixture(scope="module", autouse=True)
def quick_passwords(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let partners' passwords be hashed quickly, but where that is what the tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        tests = Path(__file__).parent
        if not request.path.relative_to(tests).as_posix().startswith(_SLOW_PASSWORDS):
            patch.setattr(credentials, "_ARGON2", QUICK_PASSWORDS)
        yield


# Collecting the tests makes millions of objects and drops none.
gc.disable()


def pytest_collection_finish() -> None:
    """Take the thousands of tests and their modules out of garbage collections, which they made long."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the searches for examples, what runs once more on PostgreSQL, and what `make quick` leaves out: both."""
    for item in items:
        searches = hasattr(getattr(item, "function", None), "hypothesis")
        if searches:
            item.add_marker("search")
        if searches or "postgresql" in item.name:
            item.add_marker("slow")
        if "postgresql" in item.name and _STORE not in item.path.parents:
            item.add_marker("postgresql")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print in plain sight what was not tested."""
    skipped = terminalreporter.stats.get("skipped", ())
    missing = [report for report in skipped if _LOUDLY in str(report.longrepr)]
    if missing:
        terminalreporter.section(_LOUDLY, red=True, bold=True)
        terminalreporter.line(f"{len(missing)} tests of the store on PostgreSQL did not run. {missing[0].longrepr}")

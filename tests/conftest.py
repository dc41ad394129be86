"""What all tests share: a PostgreSQL a process, started when the first test asks for it."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from server.store import Store
from tests.postgres import Postgres, PostgresMissing

# How long an example takes says more about the machine than about the code; benchmarks measure time.
settings.register_profile("scamfeed", deadline=None)
settings.load_profile("scamfeed")

_LOUDLY = "POSTGRESQL DID NOT RUN"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give a running PostgreSQL; where there can be none the tests that need it are counted out, loudly."""
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
    """Give the name of a database with the tables and nothing in them, to copy from."""
    name = postgres.database()
    store = Store.open(postgres.url(name))
    store.migrate()
    store.close()
    return name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what `make quick` leaves out: tests on PostgreSQL, and those that search for examples."""
    for item in items:
        if "postgresql" in item.name or hasattr(getattr(item, "function", None), "hypothesis"):
            item.add_marker("slow")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in plain sight what was not tested."""
    missing = [each for each in terminalreporter.stats.get("skipped", ()) if _LOUDLY in str(each.longrepr)]
    if missing:
        terminalreporter.section(_LOUDLY, red=True, bold=True)
        terminalreporter.line(f"{len(missing)} tests of the store on PostgreSQL did not run. {missing[0].longrepr}")

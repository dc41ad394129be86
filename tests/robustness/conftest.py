"""Separate servers for hostile clients, and a count of the inputs."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.conformance.deployment import Deployment, Servers
from tests.robustness.tally import FUZZ, PASSES, Pass, Tally

# Too long for daily runs.
collect_ignore = [] if FUZZ else ["test_description.py", "test_wear.py"]

_TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLY] = Tally()


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    return request.config.stash[_TALLY]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with contextlib.ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("robustness"), stack)


@pytest.fixture(scope="session", params=PASSES, ids=str)
def turn(request: pytest.FixtureRequest) -> Pass:
    """Return the number of this pass. All tests of one pass precede those of the next."""
    found: Pass = request.param
    return found


@pytest.fixture(scope="session")
def server(turn: Pass, servers: Servers, tally: Tally) -> Deployment:
    running = servers.get(f"http-{turn.database}")
    for told in running.database.partners.values():
        tally.secrets |= {told["password"], told["token"]}
    return running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the counts after a run with a hundred thousand inputs."""
    if FUZZ:
        terminalreporter.section("thrown at the servers")
        for line in config.stash[_TALLY].lines():
            terminalreporter.line(line)

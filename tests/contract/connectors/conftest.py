"""Fixtures of every connector's suite: a store with two partners, and rewritten assertions."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners

pytest.register_assert_rewrite(
    "tests.contract.connectors.contract",
    "tests.contract.connectors.pulls",
    "tests.contract.connectors.pushes",
    "tests.contract.connectors.faults",
    "tests.contract.connectors.peer",
)

from tests.contract.connectors.contract import PARTNER, READER  # noqa: E402 - after they were registered
from tests.contract.connectors.machines import s3  # noqa: E402


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the test of bad settings once for each one listed by the suite."""
    if "bad_setting" in metafunc.fixturenames and metafunc.cls is not None:
        metafunc.parametrize("bad_setting", metafunc.cls.bad_settings)


@pytest.fixture(scope="session")
def s3_service() -> Iterator[str]:
    """Run one S3 service. Each test empties it first."""
    with s3() as url:
        yield url


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a store once, and copy it for each test."""
    made = tmp_path_factory.mktemp("furnished") / "hub.db"
    opened = Store.open(f"sqlite:///{made}")
    opened.migrate()
    with opened.begin() as tx:
        collections.create_defaults(tx)
        partners.add(tx, Partner(name=PARTNER, kind=PartnerKind.TELECOM, identity=ids.identity(PARTNER), vouched=True))
        partners.add(tx, Partner(name=READER, kind=PartnerKind.BANK, identity=ids.identity(READER), vouched=True))
        collections.grant(tx, READER, collections.get(tx, "takedown"), read=True)
    opened.close()
    return made


@pytest.fixture
def store(furnished: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(furnished, tmp_path / 'hub.db')}")
    yield opened
    opened.close()

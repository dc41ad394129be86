"""A hub that lists accounts, served, and partners that may match against them, on either database."""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from feeds.match.matcher import Matcher
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.api.match.evaluation import Evaluation
from server.api.match.sets import SetMaker
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.retract import retract_all
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from server.store.matching import match_grants
from tests.integration import peers

SEED = "5c" * 32
# The tests bring the sets up themselves, when they want to.
SERVER = """
import json, logging, sys
from server.api.match import sets
from server.app import serve
from server.settings import Settings
sets._PAUSE_SECONDS = 3600.0
logging.basicConfig(level=logging.DEBUG)
serve(Settings(database_url=sys.argv[1], **json.loads(sys.argv[3])), "127.0.0.1", int(sys.argv[2]), 1, 4)
"""


@dataclass
class MatchingScamfeed:
    """A hub, the maker of its sets, and a token of each partner."""

    store: Store
    hub: Hub
    maker: SetMaker
    evaluation: Evaluation
    url: str
    log: Path
    folder: Path
    tokens: dict[str, str] = field(default_factory=dict)

    def join(self, name: str, *matches: str) -> None:
        with self.store.begin() as tx:
            made = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name))
            self.tokens[name] = partners.add(tx, made).token
            for alias in matches:
                match_grants.grant(tx, name, collections.get(tx, alias))

    def report(self, *values: str, kind: str = "bank-account", **columns: Any) -> None:
        """Report values in the name of two, which is enough to block them."""
        details = columns.pop("details", {})
        for reporter in ("reporter", "police"):
            given = {"reporter": reporter, "kind": kind, "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
            reader = ReportReader({**given, **columns})
            items = [Item.of(obj) for value in values for obj in to_stix(reader.report({"value": value, **details}))]
            with self.store.begin() as tx:
                contribute(self.hub, tx, partners.get(tx, reporter), items)

    def retract(self, *values: str) -> None:
        with self.store.begin() as tx:
            assert retract_all(self.hub, tx, list(values))

    def matcher(self, by: str = "bank", collection: str = "mule-accounts", state: Path | None = None) -> Matcher:
        return Matcher(self.url, self.tokens[by], collection, state, allow_private=True, retries=0)


def iban(number: int) -> str:
    """Return a British account number with the right check digits."""
    bare = f"NWBK{number:014d}"
    digits = "".join(str(int(letter, 36)) for letter in f"{bare}GB00")
    return f"GB{98 - int(digits) % 97:02d}{bare}"


@pytest.fixture(scope="module")
def accounts() -> Callable[[int], list[str]]:
    """Return so many accounts that no other call returns."""
    numbers = itertools.count(10_000_000)
    return lambda count: [iban(number) for number in itertools.islice(numbers, count)]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('hub') / 'hub.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="module")
def hub(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatchingScamfeed]:
    folder = tmp_path_factory.mktemp("served")
    seed = folder / "seed"
    seed.write_text(SEED)
    seed.chmod(0o600)
    store = Store.open(database)
    set_up(store)
    port, settings = peers.free_port(), json.dumps({"match_seed_file": str(seed), "match_per_day": 20_000})
    with ExitStack() as stack:
        stack.callback(store.close)
        command = [sys.executable, "-c", SERVER, database, str(port), settings]
        url = stack.enter_context(peers.running(command, port, folder / "hub.log"))
        evaluation = Evaluation(seed)
        stack.callback(evaluation.stop)
        rules = Policy(newcomers=NewcomerRule(0, 0))
        made = MatchingScamfeed(
            store, Hub(store, rules), SetMaker(store, evaluation), evaluation, url, folder / "hub.log", folder
        )
        for name in ("reporter", "police", "stranger"):
            made.join(name)
        made.join("bank", "mule-accounts")
        made.join("other", "mule-accounts")
        yield made

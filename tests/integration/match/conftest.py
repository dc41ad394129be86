"""A running hub that lists accounts, and partners that match against them, on either database."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from feeds.client.match.matcher import Matcher
from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.matching import sets
from server.features.matching.evaluation import Evaluation
from server.features.matching.sets import SetMaker
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.retract import retract_all
from server.release.route.policy import Policy
from server.store import Store, collections, partners
from server.store.item import Item
from server.store.matching import match_grants
from tests.integration import peers
from tests.ports import free_port
from tests.processes import Forked, serve_hub

SEED = "5c" * 32
AHEAD = sets._AHEAD_SECONDS


@dataclass
class MatchingScamfeed:
    """A hub, the builder of its sets, and a token for each partner."""

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
            made = Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name), vouched=True)
            self.tokens[name] = partners.add(tx, made).token
            for alias in matches:
                match_grants.grant(tx, name, collections.get(tx, alias))

    def report(self, *values: str, kind: str = "bank-account", **columns: Any) -> None:
        """Report values as two partners, which is enough to block them."""
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
    """Return a British account number with correct check digits."""
    bare = f"NWBK{number:014d}"
    digits = "".join(str(int(letter, 36)) for letter in f"{bare}GB00")
    return f"GB{98 - int(digits) % 97:02d}{bare}"


@pytest.fixture(scope="module")
def accounts() -> Callable[[int], list[str]]:
    """Return this many accounts, different in every call."""
    numbers = itertools.count(10_000_000)
    return lambda count: [iban(number) for number in itertools.islice(numbers, count)]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("initial_store")
        yield f"sqlite:///{shutil.copy(template, tmp_path_factory.mktemp('hub') / 'hub.db')}"
        return
    server = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_initial"))
    yield server.url(name)
    server.drop(name)


def serve_passively(*given: Any) -> None:
    """Serve a hub that does not update its sets by itself."""
    sets._PAUSE_SECONDS = 3600.0
    serve_hub(*given)


@contextmanager
def serving(database: str, folder: Path, seed: str = SEED, port: int | None = None) -> Iterator[MatchingScamfeed]:
    """Serve a hub on a prepared store with a seed, and continue its log if it has one.

    The set of the next key is not made, so that the last days of an epoch are like any others.
    """
    file = folder / "seed"
    file.write_text(seed)
    file.chmod(0o600)
    store = Store.open(database)
    port, log = port or free_port(), folder / "hub.log"
    settings = {"database_url": database, "match_seed_file": str(file), "match_per_day": 20_000}
    with ExitStack() as stack:
        stack.callback(store.close)
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(sets, "_AHEAD_SECONDS", 0)
        url = stack.enter_context(peers.answering(Forked(serve_passively, settings, port, 1, 4, log=log), port, log))
        evaluation = Evaluation(file)
        stack.callback(evaluation.stop)
        rules = Policy(newcomers=NewcomerRule(0, 0))
        yield MatchingScamfeed(store, Hub(store, rules), SetMaker(store, evaluation), evaluation, url, log, folder)


@pytest.fixture(scope="module")
def hub(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatchingScamfeed]:
    with serving(database, tmp_path_factory.mktemp("served")) as made:
        for name in ("reporter", "police", "stranger"):
            made.join(name)
        made.join("bank", "mule-accounts")
        made.join("other", "mule-accounts")
        yield made

"""A hub replaces the seed of its keys: partners with a state continue, and never return to an earlier key."""

import json
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from feeds.client.match.matcher import Matcher
from feeds.connector import Misconfigured, TryLater
from schemas.api.matching import EPOCH_SECONDS, generation_of, key_id
from server.cli.program import app
from server.features.matching.evaluation import Evaluation
from server.features.matching.sets import SetMaker, epoch_of
from server.store.database.times import now
from server.store.matching import match_seeds
from tests.integration.match.conftest import MatchingScamfeed, serving
from tests.ports import free_port

NEW = "6d" * 32
Accounts = Callable[[int], list[str]]


def request_set(hub: MatchingScamfeed) -> Any:
    headers = {"Authorization": f"Bearer {hub.tokens['bank']}"}
    return requests.get(f"{hub.url}match/mule-accounts", headers=headers, timeout=60)


@pytest.fixture
def folder(initial_store: Path, tmp_path: Path) -> Path:
    """Return a folder with the store of a hub."""
    # An epoch lasts 90 days. No test begins in its last minute.
    left = EPOCH_SECONDS - now() // 1_000_000 % EPOCH_SECONDS
    time.sleep(left if left < 60 else 0)
    shutil.copy(initial_store, tmp_path / "hub.db")
    return tmp_path


@pytest.mark.long
def test_clients_with_a_state_continue_after_the_seed_is_replaced(
    accounts: Accounts, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database, port, epoch = f"sqlite:///{folder / 'hub.db'}", free_port(), epoch_of(now())
    listed, clean = accounts(20), accounts(20)
    file, token = folder / "state.db", folder / "token"
    with serving(database, folder, port=port) as hub:
        for name in ("reporter", "police"):
            hub.join(name)
        hub.join("bank", "mule-accounts")
        tokens = hub.tokens
        hub.report(*listed)
        hub.maker.make()
        with hub.matcher(state=file) as matcher:
            assert matcher.sync().key == str(epoch), "the name of the first seed's keys is that of the epoch alone"
            assert [result.found for result in matcher.match([*listed, *clean])] == [True] * 20 + [False] * 20
    with serving(database, folder, NEW, port) as hub:
        hub.tokens = tokens
        # Until the sets are rebuilt, the hub returns no answer rather than a wrong one.
        assert (request_set(hub).status_code, request_set(hub).headers["Retry-After"]) == (503, "10")
        with hub.matcher(state=file) as matcher, pytest.raises(TryLater):
            matcher.sync()
        hub.retract(listed[0])
        hub.maker.make()
        with hub.matcher(state=file) as matcher:
            # Without a sync, known results remain, and new values are requested with an expired key.
            assert matcher.match([accounts(1)[0], *listed])[1:][0].found is False
            assert [result.found for result in matcher.match([*listed, *clean])] == [False] + [True] * 19 + [False] * 20
            assert request_set(hub).json()["limits"]["left"] == 20_000 - 40 - 1 - 40
        assert "match-seed-replaced" in caplog.text
        with hub.matcher(state=file) as matcher:
            synced = matcher.sync()
            assert (synced.key, synced.seed_replaced, synced.octets) == (f"{epoch}-2", False, 0)
        token.write_text(tokens["bank"])
        values = folder / "values"
        values.write_text("\n".join(listed))
        other = folder / "other.db"
        arguments = ["match", "--server", hub.url, "--collection", "mule-accounts", "--state", str(other)]
        arguments += ["--token-file", str(token), "--allow-private", str(values), "--json"]
        done = CliRunner().invoke(app, arguments)
        shown = json.loads(done.stdout)
        assert (shown["counts"]["found"], shown["set"]["key"]) == (19, f"{epoch}-2")


@pytest.mark.long
def test_command_reports_a_replaced_seed(accounts: Accounts, folder: Path) -> None:
    database, port, token = f"sqlite:///{folder / 'hub.db'}", free_port(), folder / "token"
    values = folder / "values"
    values.write_text("\n".join(accounts(3)))
    tokens: dict[str, str] = {}
    for seed, is_replaced in (("5c" * 32, False), (NEW, True), (NEW, False)):
        with serving(database, folder, seed, port) as hub:
            if not tokens:
                hub.join("bank", "mule-accounts")
                tokens = hub.tokens
                token.write_text(tokens["bank"])
            hub.maker.make()
            arguments = ["match", "--server", hub.url, "--state", str(folder / "state.db"), str(values), "--json"]
            arguments += ["--token-file", str(token), "--allow-private"]
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0, done.output
            assert json.loads(done.stdout)["set"]["seed_replaced"] is is_replaced
            assert ("replaced its seed" in done.stderr) is is_replaced


def test_node_with_the_former_seed_changes_no_set(
    hub: MatchingScamfeed, accounts: Accounts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub.report(*accounts(2))
    hub.maker.make()
    before = request_set(hub).json()
    file = tmp_path / "seed"
    file.write_text(NEW)
    file.chmod(0o600)
    evaluation = Evaluation(file)
    try:
        newer = SetMaker(hub.store, evaluation)
        newer.make()
        # The serving node has the former seed: it has no key to offer, and does not restore the old sets.
        assert request_set(hub).status_code == 503
        with caplog.at_level(logging.ERROR):
            hub.maker.make()
        assert "match-seed is not the newest" in caplog.text
        assert request_set(hub).status_code == 503
        newer.make()
        with hub.store.begin() as tx:
            assert match_seeds.newest(tx) == 2
            tx.execute(match_seeds.match_seeds.delete().where(match_seeds.match_seeds.c.generation == 2))
    finally:
        evaluation.stop()
    hub.maker.make()
    assert request_set(hub).json()["keys"] == before["keys"]


def test_unnamed_replaced_seed_starts_with_generation_two(accounts: Accounts, folder: Path) -> None:
    """Sets of an earlier version name the epoch alone. No other key may have that name."""
    database, port = f"sqlite:///{folder / 'hub.db'}", free_port()
    with serving(database, folder, port=port) as hub:
        hub.join("bank", "mule-accounts")
        tokens = hub.tokens
        hub.maker.make()
        with hub.store.begin() as tx:
            tx.execute(match_seeds.match_seeds.delete())
    with serving(database, folder, NEW, port) as hub:
        hub.tokens = tokens
        hub.maker.make()
        assert request_set(hub).json()["keys"][0]["id"] == f"{epoch_of(now())}-2"


def test_client_rejects_keys_of_a_replaced_seed(hub: MatchingScamfeed, tmp_path: Path) -> None:
    hub.maker.make()
    with hub.matcher(state=tmp_path / "state.db") as matcher:
        matcher.sync()
        matcher._state.pin(key_id(epoch_of(now()), 2), b"another")
        with pytest.raises(Misconfigured, match="replaced"):
            matcher.sync()


@pytest.mark.parametrize(
    ("name", "generation"), [("228", 1), ("228-2", 2), ("228-12", 12), ("a", None), ("228-", None), ("228-x", None)]
)
def test_key_name_contains_the_generation(name: str, generation: int | None) -> None:
    assert generation_of(name) == generation


def test_key_names_in_other_forms_are_accepted(hub: MatchingScamfeed) -> None:
    hub.maker.make()
    with Matcher(hub.url, hub.tokens["bank"], allow_private=True) as matcher:
        matcher._state.pin("of another maker", b"1")
        matcher.sync()

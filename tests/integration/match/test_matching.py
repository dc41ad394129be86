"""Values matched privately, from the report to the bank: what is found, what is not, and who learns what."""

import base64
import json
import re
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text
from typer.testing import CliRunner

from feeds.connector import Misconfigured, TryLater
from feeds.match import matcher as matcher_module
from feeds.match.function import BlindedValues, WrongProof
from feeds.match.matcher import SetExpired
from feeds.match.state import MatchState
from schemas import kinds, timestamp
from schemas.api.lookup import LookupQuestion
from schemas.api.matching import EPOCH_SECONDS, input_of, key_info
from schemas.vocabulary import Action
from server.api.match import sets
from server.api.match.sets import epoch_of
from server.cli.program import app
from server.store import collections
from server.store.database.times import now
from server.store.matching import match_grants, match_sets
from tests.integration.match.conftest import MatchingScamfeed

Accounts = Callable[[int], list[str]]


def _ask(hub: MatchingScamfeed, path: str, by: str = "bank", **more: Any) -> requests.Response:
    method = "POST" if "json" in more else "GET"
    headers = {"Authorization": f"Bearer {hub.tokens[by]}"} if by else {}
    return requests.request(method, f"{hub.url}match/{path}", headers=headers, timeout=30, **more)


def _blinded(*inputs: bytes) -> str:
    return base64.b64encode(BlindedValues(inputs or [b"value"]).octets).decode()


def test_what_is_listed_is_found_and_nothing_else(hub: MatchingScamfeed, accounts: Accounts, tmp_path: Path) -> None:
    listed, clean = accounts(300), accounts(300)
    hub.report(*listed)
    hub.report("promptpay:0812345678", kind="payment-alias")
    hub.report("1234567890", details={"bank": "KBANK", "country": "TH"})
    hub.maker.make()
    with hub.matcher(state=tmp_path / "state.db") as matcher:
        synced = matcher.sync()
        assert synced.size >= 301
        results = matcher.match([*clean, *listed[:5], "not a value at all", listed[0]])
        assert [result.found for result in results] == [False] * 300 + [True] * 5 + [False, True]
        assert results[-2].error is not None
        hit = results[300]
        assert (hit.kind, hit.normal, hit.grade, hit.tlp) == ("bank-account", listed[0], Action.BLOCK, "green")
        assert hit.id is not None
        assert hit.id[25] == "4"
        assert hit.valid_until is not None
        # One account by bank code and number, in two spellings, and an alias in another.
        for written in ("1234567890", "123-4-56789-0"):
            details = {"bank": "004", "country": "TH"}
            assert (
                matcher.match([LookupQuestion(written, "bank-account", details)])[0].normal == "TH:KASITHBK:1234567890"
            )
            assert matcher.match([LookupQuestion(written, "bank-account", details)])[0].found
        assert matcher.match(["promptpay: 081-234-5678"])[0].found
    # What was asked before is not asked again.
    left = _ask(hub, "mule-accounts").json()["limits"]["left"]
    with hub.matcher(state=tmp_path / "state.db") as matcher:
        assert [result.found for result in matcher.match([*clean, *listed[:5]])] == [False] * 300 + [True] * 5
        assert matcher.sync().octets == 0
    assert _ask(hub, "mule-accounts").json()["limits"]["left"] == left
    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0
    kept = (tmp_path / "state.db").read_bytes()
    assert not any(value.encode() in kept or value[8:].encode() in kept for value in (*clean[:5], *listed[:5]))


def test_a_retraction_takes_a_few_octets(hub: MatchingScamfeed, accounts: Accounts) -> None:
    first, second, later = accounts(3)
    hub.report(first, second)
    hub.maker.make()
    with hub.matcher() as matcher:
        matcher.sync()
        assert [result.found for result in matcher.match([first, second, later])] == [True, True, False]
        hub.retract(first)
        hub.report(later)
        hub.maker.make()
        synced = matcher.sync()
        assert (synced.came, synced.went, synced.octets) == (1, 1, 18)
        assert [result.found for result in matcher.match([first, second, later])] == [False, True, True]
        # A copy that does not know of it yet finds out as it reads the row.
        hub.retract(second)
        hub.maker.make()
        assert [result.found for result in matcher.match([second, later])] == [False, True]


def test_who_may_match_later_learns_nothing_of_what_went_before(hub: MatchingScamfeed, accounts: Accounts) -> None:
    """Else it evaluates an account, and finds its tag among those that were taken back."""
    cleared, kept, later = accounts(3)
    hub.report(cleared, kept)
    hub.maker.make()
    before = _ask(hub, "mule-accounts").json()
    hub.retract(cleared)
    hub.maker.make()
    name = f"newcomer-{later[-6:]}"
    hub.join(name, "mule-accounts")
    described = _ask(hub, "mule-accounts", name).json()
    assert described == _ask(hub, "mule-accounts").json() | {"limits": described["limits"]}
    tags = f"mule-accounts/{described['keys'][0]['id']}/tags"
    assert _ask(hub, f"{tags}?since={before['version']}").content.startswith(b"-")
    refused = _ask(hub, f"{tags}?since={before['version']}", name)
    never = _ask(hub, f"{tags}?since=1", name)
    assert refused.status_code == never.status_code == 410
    assert refused.json() | {"error_id": ""} == never.json() | {"error_id": ""}
    with hub.matcher(name) as matcher:
        matcher.sync()
        assert [result.found for result in matcher.match([cleared, kept, later])] == [False, True, False]
        # A right that is given twice begins once.
        with hub.store.begin() as tx:
            match_grants.grant(tx, name, collections.get(tx, "mule-accounts"))
        hub.retract(kept)
        hub.report(later)
        hub.maker.make()
        synced = matcher.sync()
        assert (synced.came, synced.went, synced.octets) == (1, 1, 18)


def test_a_listing_that_ended_is_in_no_set(
    hub: MatchingScamfeed, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    (account,) = accounts(1)
    end = timestamp.now() + timedelta(hours=20)
    hub.report(account, valid_until=timestamp.text(end))
    hub.maker.make()
    with hub.matcher() as matcher:
        before = matcher.sync()
        assert matcher.match([account])[0].found
        monkeypatch.setattr(sets, "now", lambda: int(end.timestamp() * 1_000_000) + 1)
        hub.maker.make()
        monkeypatch.undo()
        hub.maker.make()
        assert matcher.sync().size == before.size - 1
        assert not matcher.match([account])[0].found


def test_what_changes_of_a_listing_is_told(hub: MatchingScamfeed, accounts: Accounts) -> None:
    (account,) = accounts(1)
    with hub.store.begin() as tx:
        made = collections.get(tx, "mule-accounts")
    hub.report(account, confidence=60)
    hub.maker.make()
    with hub.matcher() as matcher:
        matcher.sync()
        first = matcher.match([account])[0]
        hub.join(f"later-{made.number}")
        hub.report(account, confidence=95, action="block")
        hub.maker.make()
        matcher.sync()
        second = matcher.match([account])[0]
    assert first.found
    assert second.found
    assert (second.confidence or 0) >= (first.confidence or 0)
    assert first.id == second.id


def test_unknown_hidden_and_not_granted_are_one_answer(hub: MatchingScamfeed) -> None:
    answers = set()
    for by, alias in (
        ("stranger", "mule-accounts"),
        ("bank", "wallets"),
        ("bank", "no-such-collection"),
        ("bank", "inbox"),
        ("bank", "mule-accounts-full"),
    ):
        for path in ("", f"/{epoch_of(now())}/tags", f"/{epoch_of(now())}/rows/0"):
            answer = _ask(hub, alias + path, by)
            body = answer.json()
            del body["error_id"]
            answers.add((answer.status_code, json.dumps(body), tuple(answer.headers.get("Cache-Control", ""))))
        answer = _ask(hub, f"{alias}/evaluate", by, json={"key": "1", "blinded": _blinded()})
        body = answer.json()
        del body["error_id"]
        answers.add((answer.status_code, json.dumps(body), tuple(answer.headers.get("Cache-Control", ""))))
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert _ask(hub, "mule-accounts", "").status_code == 401
    # The right to match shows nothing by TAXII.
    listed = requests.get(
        f"{hub.url}feed/collections/", headers={"Authorization": f"Bearer {hub.tokens['bank']}"}, timeout=30
    )
    assert "mule-accounts" not in listed.text
    with pytest.raises(Misconfigured, match="nothing to be had there"), hub.matcher("stranger") as matcher:
        matcher.sync()


def test_each_refusal_says_what_to_do(hub: MatchingScamfeed) -> None:
    hub.maker.make()
    key = _ask(hub, "mule-accounts").json()["keys"][0]["id"]
    for body, status, code in (
        ({"key": key}, 422, "not-an-evaluation"),
        ({"key": key, "blinded": ""}, 422, "not-an-evaluation"),
        ({"key": key, "blinded": "A"}, 422, "not-an-evaluation"),
        ({"key": key, "blinded": base64.b64encode(bytes(33)).decode()}, 422, "not-an-evaluation"),
        ({"key": key, "blinded": base64.b64encode(bytes(32)).decode()}, 422, "bad-element"),
        ({"key": key, "blinded": base64.b64encode(bytes(32 * 10_001)).decode()}, 413, "too-many-elements"),
        ({"key": str(int(key) - 1), "blinded": _blinded()}, 410, "key-over"),
        ({"key": key, "blinded": _blinded(), "more": 1}, 422, "not-an-evaluation"),
    ):
        answer = _ask(hub, "mule-accounts/evaluate", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    for path, status in (
        (f"{int(key) - 1}/tags", 410),
        (f"{key}/tags?since=1", 410),
        (f"{key}/tags?since=x", 400),
        (f"{key}/rows/zz", 404),
        (f"{key}/rows/00000", 404),
        ("nothing/else", 404),
    ):
        assert _ask(hub, f"mule-accounts/{path}").status_code == status
    assert _ask(hub, "mule-accounts/evaluate").status_code == 405
    assert _ask(hub, "mule-accounts", json={}).status_code == 405


def test_the_hub_keeps_no_value_that_was_asked_about(hub: MatchingScamfeed, accounts: Accounts, database: str) -> None:
    asked = accounts(40)
    hub.maker.make()
    with hub.matcher() as matcher:
        matcher.sync()
        matcher.match(asked)
    deadline = time.monotonic() + 20
    while not _audited(hub, "match-evaluate", "bank", 40):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = hub.log.read_bytes()
    assert b"match-evaluate" in said
    files = [hub.log]
    if database.startswith("sqlite"):
        main = Path(database.removeprefix("sqlite:///"))
        files += [main, *main.parent.glob(main.name + "-*")]
    info = key_info(_collection(hub).id, epoch_of(now()))
    outputs = hub.evaluation.outputs(info, [input_of(kinds.name_of("bank-account", value)) for value in asked])
    for file in files:
        octets = file.read_bytes()
        for value, output in zip(asked, outputs, strict=True):
            assert value.encode() not in octets
            assert value[8:].encode() not in octets
            assert output.tag not in octets


def test_the_quota_ends_and_says_when_it_begins_anew(hub: MatchingScamfeed) -> None:
    hub.maker.make()
    key = _ask(hub, "mule-accounts", "other").json()["keys"][0]["id"]
    whole = base64.b64encode(BlindedValues([b"value"]).octets * 10_000).decode()
    statuses = [_ask(hub, "mule-accounts/evaluate", "other", json={"key": key, "blinded": whole}) for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [200, 200, 429]
    assert statuses[1].json()["left"] == 0
    assert 80_000 < int(statuses[2].headers["Retry-After"]) <= 86_400
    assert _ask(hub, "mule-accounts", "other").json()["limits"] == {"per_request": 10000, "per_day": 20000, "left": 0}
    # Others go on.
    assert _ask(hub, "mule-accounts/evaluate", json={"key": key, "blinded": _blinded()}).status_code == 200


def test_a_copy_that_is_too_old_is_refused(hub: MatchingScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.maker.make()
    with hub.matcher() as matcher:
        with pytest.raises(SetExpired):
            matcher.match(["GB29NWBK60161331926819"])
        matcher.sync()
        matcher.match(["GB29NWBK60161331926819"])

        class Tomorrow(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> "Tomorrow":
                return cls.fromtimestamp(time.time() + 86_400, tz)

        monkeypatch.setattr(matcher_module, "datetime", Tomorrow)
        with pytest.raises(SetExpired):
            matcher.match(["GB29NWBK60161331926819"])
        with pytest.raises(TryLater):
            matcher.sync()


def test_a_key_that_changes_for_us_is_found_out(hub: MatchingScamfeed, tmp_path: Path) -> None:
    hub.maker.make()
    file = tmp_path / "state.db"
    with hub.matcher(state=file) as matcher:
        matcher.sync()
    with sqlite3.connect(file) as opened:
        opened.execute("UPDATE keys SET public = ?", (bytes(32),))
    opened.close()
    with hub.matcher(state=file) as matcher, pytest.raises(Misconfigured, match="another public key"):
        matcher.sync()
    with pytest.raises(Misconfigured, match="another file"):
        MatchState(file, "https://hub.example/match/other")


def test_an_answer_by_another_key_is_not_taken(hub: MatchingScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.maker.make()
    with hub.matcher() as matcher:
        matcher.sync()
        evaluate = matcher._hub.evaluate
        info = key_info("another collection", 1)
        monkeypatch.setattr(matcher._hub, "evaluate", lambda _, blinded: hub.evaluation.evaluate(info, blinded))
        with pytest.raises(WrongProof):
            matcher.match(["GB29NWBK60161331926819"])
        monkeypatch.setattr(matcher._hub, "evaluate", evaluate)
        assert not matcher.match(["GB29NWBK60161331926819"])[0].found


def test_the_next_key_is_ready_before_it_holds(
    hub: MatchingScamfeed, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    (account,) = accounts(1)
    hub.report(account)
    present = epoch_of(now())
    eve = ((present + 1) * EPOCH_SECONDS - 3_600) * 1_000_000
    monkeypatch.setattr(sets, "now", lambda: eve)
    hub.maker.make()
    number = _collection(hub).number
    with hub.store.read() as tx:
        made = [match_sets.find(tx, number, epoch) for epoch in (present, present + 1)]
    assert made[0] is not None
    assert made[1] is not None
    # Listings end within the epoch, so that both have what has not ended by then.
    assert made[0].size == made[1].size
    assert made[0].public != made[1].public
    monkeypatch.setattr(sets, "now", lambda: eve + 7_200_000_000)
    hub.maker.make()
    with hub.store.read() as tx:
        assert match_sets.find(tx, number, present) is None
    monkeypatch.undo()
    hub.maker.make()


def test_a_set_that_nobody_may_match_against_is_not_kept(hub: MatchingScamfeed) -> None:
    hub.join("short", "wallets")
    hub.maker.make()
    with hub.store.begin() as tx:
        wallets = collections.get(tx, "wallets")
        assert match_sets.find(tx, wallets.number, epoch_of(now())) is not None
        match_grants.revoke(tx, "short", wallets)
    hub.maker.make()
    with hub.store.read() as tx:
        assert match_sets.find(tx, wallets.number, epoch_of(now())) is None


def _collection(hub: MatchingScamfeed) -> collections.Collection:
    with hub.store.read() as tx:
        return collections.get(tx, "mule-accounts")


def _audited(hub: MatchingScamfeed, route: str, partner: str, count: int) -> bool:
    with hub.store.read() as tx:
        asked = text("SELECT count(*) FROM audit WHERE route = :route AND partner = :partner AND objects >= :count")
        return bool(tx.execute(asked, {"route": route, "partner": partner, "count": count}).scalar())


def test_the_command_matches_a_file(
    hub: MatchingScamfeed, accounts: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, clean = accounts(2)
    hub.report(listed)
    hub.maker.make()
    file, token = tmp_path / "values.csv", tmp_path / "token"
    file.write_text(f"value,kind\n{listed},bank-account\n{clean},\n")
    token.write_text(hub.tokens["bank"])
    given = ["match", str(file), "--server", hub.url, "--allow-private", "--state", str(tmp_path / "state.db")]
    done = CliRunner().invoke(app, [*given, "--token-file", str(token), "--json"])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"] == {"asked": 2, "found": 1, "errors": 0}
    assert [result["found"] for result in told["results"]] == [True, False]
    monkeypatch.delenv("SCAMFEED_TOKEN", raising=False)
    assert CliRunner().invoke(app, given).exit_code == 2
    token.write_text(hub.tokens["stranger"])
    refused = CliRunner().invoke(app, [*given, "--token-file", str(token)])
    assert refused.exit_code == 2
    assert listed not in refused.stderr


def test_it_is_described_for_clients(hub: MatchingScamfeed) -> None:
    described = requests.get(f"{hub.url}openapi.json", timeout=30).json()
    paths = [path for path in described["paths"] if path.startswith("/match/")]
    assert len(paths) == 4
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)):
        assert name in described["components"]["schemas"], name
    assert "/api/lookup" in described["paths"]

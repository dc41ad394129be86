"""Private matching from the report to the bank: results, misses, and the information each side learns."""

import base64
import json
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text
from typer.testing import CliRunner

from feeds.client.match import matcher as matcher_module
from feeds.client.match.matcher import SetExpired
from feeds.client.match.protocol import BlindedValues, MatchState, WrongProof
from feeds.connector import Misconfigured, TryLater
from schemas import kinds, timestamp
from schemas.api.lookup import LookupQuestion
from schemas.api.matching import EPOCH_SECONDS, input_of, key_info
from schemas.vocabulary import Action
from server.cli.program import app
from server.features.matching import sets
from server.features.matching.sets import epoch_of
from server.store import collections, partners
from server.store.database.times import now
from server.store.matching import match_grants, match_sets
from tests.integration.match.conftest import AHEAD, MatchingScamfeed

Accounts = Callable[[int], list[str]]


def _ask(hub: MatchingScamfeed, path: str, by: str = "bank", **more: Any) -> requests.Response:
    method = "POST" if "json" in more else "GET"
    headers = {"Authorization": f"Bearer {hub.tokens[by]}"} if by else {}
    return requests.request(method, f"{hub.url}match/{path}", headers=headers, timeout=60, **more)


def _blinded(*inputs: bytes) -> str:
    return base64.b64encode(BlindedValues(inputs or [b"value"]).octets).decode()


def test_only_listed_values_are_found(hub: MatchingScamfeed, accounts: Accounts, tmp_path: Path) -> None:
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
        # One account by bank code and number in two spellings, and an alias in another spelling.
        for written in ("1234567890", "123-4-56789-0"):
            details = {"bank": "004", "country": "TH"}
            assert (
                matcher.match([LookupQuestion(written, "bank-account", details)])[0].normal == "TH:KASITHBK:1234567890"
            )
            assert matcher.match([LookupQuestion(written, "bank-account", details)])[0].found
        assert matcher.match(["promptpay: 081-234-5678"])[0].found
    # Known results are not requested again.
    left = _ask(hub, "mule-accounts").json()["limits"]["left"]
    with hub.matcher(state=tmp_path / "state.db") as matcher:
        assert [result.found for result in matcher.match([*clean, *listed[:5]])] == [False] * 300 + [True] * 5
        assert matcher.sync().octets == 0
    assert _ask(hub, "mule-accounts").json()["limits"]["left"] == left
    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0
    kept = (tmp_path / "state.db").read_bytes()
    assert not any(value.encode() in kept or value[8:].encode() in kept for value in (*clean[:5], *listed[:5]))


def test_retraction_costs_a_few_octets(hub: MatchingScamfeed, accounts: Accounts) -> None:
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
        # A copy without this information gets it from the row.
        hub.retract(second)
        hub.maker.make()
        assert [result.found for result in matcher.match([second, later])] == [False, True]


def test_later_matching_grant_reveals_no_earlier_changes(hub: MatchingScamfeed, accounts: Accounts) -> None:
    """Otherwise it could evaluate an account and find its tag among the removed tags."""
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
        # A repeated grant keeps its first date.
        with hub.store.begin() as tx:
            match_grants.grant(tx, name, collections.get(tx, "mule-accounts"))
        hub.retract(kept)
        hub.report(later)
        hub.maker.make()
        synced = matcher.sync()
        assert (synced.came, synced.went, synced.octets) == (1, 1, 18)


def test_ended_listing_is_in_no_set(hub: MatchingScamfeed, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    (account,) = accounts(1)
    end = timestamp.now() + timedelta(hours=20)
    hub.report(account, valid_until=timestamp.text(end))
    hub.maker.make()
    with hub.matcher() as matcher:
        before = matcher.sync()
        assert matcher.match([account])[0].found
        present = epoch_of(now())  # which may end before the listing
        monkeypatch.setattr(sets, "epoch_of", lambda _: present)
        monkeypatch.setattr(sets, "now", lambda: int(end.timestamp() * 1_000_000) + 1)
        hub.maker.make()
        monkeypatch.undo()
        hub.maker.make()
        assert matcher.sync().size == before.size - 1
        assert not matcher.match([account])[0].found
    # Its end may be after this epoch: otherwise a set of the next key, made in another test, has it.
    hub.retract(account)


def test_listing_changes_are_delivered(hub: MatchingScamfeed, accounts: Accounts) -> None:
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


def test_unknown_hidden_and_ungranted_values_look_alike(hub: MatchingScamfeed) -> None:
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
    # The matching right gives no access over TAXII.
    listed = requests.get(
        f"{hub.url}feed/collections/", headers={"Authorization": f"Bearer {hub.tokens['bank']}"}, timeout=60
    )
    assert "mule-accounts" not in listed.text
    with pytest.raises(Misconfigured, match="no such resource"), hub.matcher("stranger") as matcher:
        matcher.sync()


def test_each_refusal_explains_the_next_step(hub: MatchingScamfeed) -> None:
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


def test_hub_stores_no_matched_value(hub: MatchingScamfeed, accounts: Accounts, database: str) -> None:
    asked = accounts(40)
    hub.maker.make()
    with hub.matcher() as matcher:
        matcher.sync()
        matcher.match(asked)
    deadline = time.monotonic() + 60
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


@pytest.mark.long
def test_exhausted_quota_names_its_renewal_time(hub: MatchingScamfeed) -> None:
    hub.maker.make()
    key = _ask(hub, "mule-accounts", "other").json()["keys"][0]["id"]
    whole = base64.b64encode(BlindedValues([b"value"]).octets * 10_000).decode()
    statuses = [_ask(hub, "mule-accounts/evaluate", "other", json={"key": key, "blinded": whole}) for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [200, 200, 429]
    assert statuses[1].json()["left"] == 0
    assert 80_000 < int(statuses[2].headers["Retry-After"]) <= 86_400
    assert _ask(hub, "mule-accounts", "other").json()["limits"] == {"per_request": 10000, "per_day": 20000, "left": 0}
    # Another partner of the same organisation shares the quota.
    hub.join("sister", "mule-accounts")
    with hub.store.begin() as tx:
        partners.change(tx, partners.get(tx, "sister").model_copy(update={"organisation": "Other"}))
    assert _ask(hub, "mule-accounts/evaluate", "sister", json={"key": key, "blinded": whole}).status_code == 429
    # Others go on.
    assert _ask(hub, "mule-accounts/evaluate", json={"key": key, "blinded": _blinded()}).status_code == 200


def test_too_old_copy_is_refused(hub: MatchingScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_key_changed_for_one_client_is_detected(hub: MatchingScamfeed, tmp_path: Path) -> None:
    hub.maker.make()
    file = tmp_path / "state.db"
    with hub.matcher(state=file) as matcher:
        matcher.sync()
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("UPDATE keys SET public = ?", (bytes(32),))
    opened.close()
    with hub.matcher(state=file) as matcher, pytest.raises(Misconfigured, match="a different public key"):
        matcher.sync()
    with pytest.raises(Misconfigured, match="another file"):
        MatchState(file, "https://hub.example/match/other")


def test_response_with_another_key_is_rejected(hub: MatchingScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_next_key_is_ready_before_it_is_valid(
    hub: MatchingScamfeed, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    (account,) = accounts(1)
    hub.report(account)
    present = epoch_of(now())
    eve = ((present + 1) * EPOCH_SECONDS - 3_600) * 1_000_000
    monkeypatch.setattr(sets, "_AHEAD_SECONDS", AHEAD)
    monkeypatch.setattr(sets, "now", lambda: eve)
    hub.maker.make()
    number = _collection(hub).number
    with hub.store.read() as tx:
        made = [match_sets.find(tx, number, epoch) for epoch in (present, present + 1)]
    assert made[0] is not None
    assert made[1] is not None
    # Listings end within the epoch, so that both keys cover the listings still active.
    assert made[0].size == made[1].size
    assert made[0].public != made[1].public
    monkeypatch.setattr(sets, "now", lambda: eve + 7_200_000_000)
    hub.maker.make()
    with hub.store.read() as tx:
        assert match_sets.find(tx, number, present) is None
    monkeypatch.undo()
    hub.maker.make()


def test_set_without_readers_is_not_kept(hub: MatchingScamfeed) -> None:
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


def test_matching_is_described_for_clients(hub: MatchingScamfeed) -> None:
    described = requests.get(f"{hub.url}openapi.json", timeout=60).json()
    paths = [path for path in described["paths"] if path.startswith("/match/")]
    assert len(paths) == 4
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)):
        assert name in described["components"]["schemas"], name
    assert "/api/lookup" in described["paths"]

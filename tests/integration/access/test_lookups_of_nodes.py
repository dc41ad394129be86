"""Look-ups on two nodes of one hub on PostgreSQL share a quota and match the collection's objects."""

import itertools
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from mappers import extension, ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.retract import retract
from server.release.route.policy import Policy
from server.setup import set_up
from server.store import Store, collections, partners
from server.store.item import Item
from tests.integration.peers import answering
from tests.ports import free_port
from tests.postgres import Postgres
from tests.processes import Forked, serve_hub
from tests.times import text_ahead

_QUOTA = 400


@dataclass
class Nodes:
    """Two nodes of one hub, and a token for each partner."""

    hub: Hub
    urls: list[str]
    tokens: dict[str, str]

    def report(self, by: str, value: str, **columns: Any) -> None:
        now = timestamp.text(timestamp.now())
        given = {"reporter": by, "kind": "bank-account", "tlp": "green", "reported_at": now, **columns}
        report = ReportReader(given).report({"value": value, "bank": "KBANK", "country": "TH"})
        with self.hub.store.begin() as tx:
            contribute(self.hub, tx, partners.get(tx, by), [Item.of(obj) for obj in to_stix(report)])

    def dispute(self, by: str, number: str) -> None:
        """Disagree strongly with the listing of an account."""
        [result] = self.results(number, by=by)
        now = timestamp.text(timestamp.now())
        opinion = {
            **{"type": "opinion", "spec_version": "2.1", "id": f"opinion--{uuid.uuid4()}", "created": now},
            **{"created_by_ref": ids.identity(by), "modified": now, "opinion": "strongly-disagree"},
            "object_refs": [result["listings"][0]["id"]],
        }
        with self.hub.store.begin() as tx:
            contribute(self.hub, tx, partners.get(tx, by), [Item.of(opinion)])

    def look_up(self, *numbers: str, at: int = 0, by: str = "reader") -> requests.Response:
        values = [_account(number) for number in numbers]
        headers = {"Authorization": f"Bearer {self.tokens[by]}"}
        return requests.post(f"{self.urls[at]}api/lookup", json={"values": values}, headers=headers, timeout=60)

    def results(self, *numbers: str, at: int = 0, by: str = "reader") -> list[dict[str, Any]]:
        answer = self.look_up(*numbers, at=at, by=by)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["results"]
        return found

    def join(self, name: str, *reads: str, kind: PartnerKind = PartnerKind.BANK) -> str:
        with self.hub.store.begin() as tx:
            made = Partner(name=name, kind=kind, country="TH", identity=ids.identity(name), vouched=True)
            self.tokens[name] = partners.add(tx, made).token
            for alias in reads:
                collections.grant(tx, name, collections.get(tx, alias), read=True)
        return name


def _account(number: str) -> dict[str, Any]:
    return {"value": number, "kind": "bank-account", "details": {"bank": "KBANK", "country": "TH"}}


@pytest.fixture(scope="module")
def nodes(postgres: Postgres, postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    database = postgres.database(postgres_template)
    folder = tmp_path_factory.mktemp("nodes")
    store = Store.open(postgres.url(database))
    set_up(store)
    settings = {"database_url": postgres.url(database), "lookup_values": _QUOTA}
    with ExitStack() as stack:
        stack.callback(postgres.drop, database)
        stack.callback(store.close)
        urls = []
        for number in range(2):
            port, log = free_port(), folder / f"node{number}.log"
            node = Forked(serve_hub, settings, port, 1, 4, log=log)
            urls.append(stack.enter_context(answering(node, port, log)))
        made = Nodes(Hub(store, Policy(newcomers=NewcomerRule(0, 0))), urls, {})
        made.join("bank")
        made.join("second", "mule-accounts")
        for name in ("police", "telecom"):
            made.join(name, kind=PartnerKind.GOVERNMENT)
        yield made


def _absent(count: int, *, begin: int = 0) -> list[str]:
    return [f"9{number:09}" for number in range(begin, begin + count)]


def test_partner_has_one_quota_on_all_nodes(nodes: Nodes) -> None:
    """Each miss costs twenty units, on every node and with any number of concurrent requests."""
    by = nodes.join("walker", "mule-accounts")
    turns = list(itertools.islice(itertools.cycle((0, 1)), 80))
    with ThreadPoolExecutor(8) as asking:
        answers = list(asking.map(lambda turn: nodes.look_up(*_absent(1), at=turn, by=by), turns))
    given = sum(answer.status_code == 200 for answer in answers)
    # At the end, one node may still hold a tenth that the other one lacks. The total is never exceeded.
    assert _QUOTA // 20 - 4 <= given <= _QUOTA // 20
    assert {answer.status_code for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_debt_on_one_node_blocks_on_the_other(nodes: Nodes) -> None:
    by = nodes.join("debtor", "mule-accounts")
    assert nodes.look_up(*_absent(50), at=0, by=by).status_code == 200
    assert nodes.look_up(*_absent(1), at=1, by=by).status_code == 429
    assert nodes.look_up(*_absent(1), at=0, by=by).status_code == 429
    assert nodes.look_up(*_absent(1), at=1, by=nodes.join("bystander", "mule-accounts")).status_code == 200


def test_hidden_retracted_and_absent_values_look_alike_on_both_nodes(nodes: Nodes) -> None:
    nodes.report("bank", "1111111111", tlp="amber", only_partners="second")
    nodes.report("bank", "2222222222")
    with nodes.hub.store.begin() as tx:
        assert retract(nodes.hub, tx, "KBANK 2222222222", partners.get(tx, "bank"))
    for at in (0, 1):
        by = nodes.join(f"curious{at}", "mule-accounts")
        results = nodes.results("1111111111", "2222222222", "3333333333", at=at, by=by)
        shown = {
            json.dumps(result).replace(number, "N").replace(f"TH:KASITHBK:{number}", "N")
            for result, number in zip(results, ("1111111111", "2222222222", "3333333333"), strict=True)
        }
        assert len(shown) == 1, shown
        headers = [
            {name: nodes.look_up(number, at=at, by=by).headers[name] for name in ("Content-Length", "Content-Type")}
            for number in ("1111111111", "3333333333")
        ]
        assert headers[0] == headers[1]


def _shown(nodes: Nodes, id_: str, alias: str, by: str) -> dict[str, Any]:
    """Return an indicator as the collection publishes it."""
    answer = requests.get(
        f"{nodes.urls[1]}feed/collections/{alias}/objects/{id_}/",
        headers={"Authorization": f"Bearer {nodes.tokens[by]}", "Accept": "application/taxii+json;version=2.1"},
        timeout=60,
    )
    [found] = answer.json()["objects"]
    assert isinstance(found, dict)
    return found


def test_look_up_matches_the_collection(nodes: Nodes) -> None:
    """Accounts: a plain one, a coerced holder's, one with an amount on hold, and one that a partner disputes."""
    readers = [nodes.join(f"reader of {alias}", alias) for alias in ("mule-accounts", "mule-accounts-full")]
    until = text_ahead(days=20)
    plain, coerced, held, doubted = "4444444444", "5555555555", "6666666666", "7777777777"
    more: dict[str, dict[str, str]] = {
        coerced: {"holder_status": "coerced"},
        held: {"hold_amount": "1500", "hold_currency": "THB", "hold_until": until},
    }
    for number, by in itertools.product((plain, coerced, held, doubted), ("police", "telecom")):
        # A partner without authority sets a hold only for itself.
        if (number, by) != (held, "telecom"):
            nodes.report(by, number, confidence="85", **more.get(number, {}))
    nodes.dispute("second", doubted)
    seen: dict[str, dict[str, Any]] = {}
    for by, number in itertools.product(readers, (plain, coerced, held, doubted)):
        [result] = nodes.results(number, by=by)
        assert result["found"], number
        for listing in result["listings"]:
            shown = _shown(nodes, listing["id"], listing["collection"], by)
            context = extension.context_of(shown)
            assert listing["grade"] == context["grade"]
            for name in ("confidence", "modified", "valid_until"):
                assert listing[name] == shown[name]
            for name in ("holder_status", "referral", "reporters", "hold"):
                assert listing.get(name) == context.get(name), name
            assert listing["disputed"] == bool(context.get("disputed"))
        assert result["grade"] == result["listings"][0]["grade"]
        seen[number] = result["listings"][0]
    assert seen[coerced]["holder_status"] == "coerced"
    assert seen[coerced]["collection"].startswith("for-")
    assert seen[held]["hold"]["until"] == until
    assert seen[doubted]["disputed"]
    assert not seen[plain]["disputed"]

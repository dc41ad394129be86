"""Examples of the operations on the hub itself, its feeds, its allowlists, its policy and its exchanges."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.features.allowlists.operations import AddAllowlistEntry, RemoveAllowlistEntry, UpdateList
from server.features.exchanges.operations import DeleteObject
from server.features.exports.operations import SignExport
from server.features.feeds.operations import OrderFeed, ReplayFeed, RetryFeed, RunFeed, VerifyFeed
from server.features.hub.operations import BackUpHub, InitialiseHub, MoveHub, RestoreHub
from server.features.keys.operations import DropKey, RenewKey
from server.features.policies.operations import ApplyPolicy, ProposePolicy
from server.features.reports.operations import Contribute
from server.operations.operation import Act
from server.release.contribute import prepare_all
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.guard.allowlists.entered import entry_of
from server.release.guard.allowlists.folder import StoredList
from server.release.hub import Hub
from server.store import collections, log, partners
from server.store.allowlist import entries
from server.store.item import Item
from server.store.objects.query import EVERY, Query
from tests import operators_desk as desk

_RULES = '[[rule]]\ncollection = "takedown"\nkinds = ["domain"]\n'
# Relative, so that each test writes into its own folder.
_KEYS = {"file": Path("signing.pem"), "keys": "the keys\n"}


def _remove_entry(hub: Hub) -> Act[Any]:
    entry = entry_of("domain:harmless.example.net", "ours", "Anong")
    with hub.store.begin() as tx:
        entries.put(tx, entry)
    return RemoveAllowlistEntry(subject=entry.subject)


def _delete_object(hub: Hub) -> Act[Any]:
    maker, at = ids.identity(desk.REPORTER), "2026-01-01T00:00:00.000Z"
    names = {"type": "identity", "spec_version": "2.1", "id": maker, "created_by_ref": maker, "name": desk.REPORTER}
    with hub.store.begin() as tx:
        exchange = collections.add(tx, "task-force", "Task force")
        collections.grant(tx, desk.REPORTER, exchange, read=True, write=True)
        log.append(tx, exchange, [Item.of({**names, "created": at, "modified": at})])
        partner = partners.get(tx, desk.REPORTER)
    return DeleteObject(partner=partner, collection=exchange.id, versions=Query(ids=(maker,), versions=EVERY))


def _contribute(hub: Hub) -> Act[Any]:
    given = {"reporter": desk.REPORTER, "kind": "domain", "tlp": "green"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [Item.of(obj) for obj in to_stix(reader.report({"value": "contributed.example.net"}))]
    with hub.store.read() as tx:
        partner = partners.get(tx, desk.REPORTER)
    return Contribute(partner=partner, parts=list(prepare_all(hub, items)))


def _sign_export(hub: Hub) -> Act[Any]:
    with hub.store.read() as tx:
        return SignExport(collection=collections.get(tx, "takedown").id, digest="ab" * 32)


EXAMPLES: Mapping[str, Callable[[Hub], Act[Any]]] = {
    "allowlist add": lambda hub: AddAllowlistEntry(value="domain:harmless.example.net", reason="ours"),
    "allowlist remove": _remove_entry,
    "backup": lambda hub: BackUpHub(),
    "contribute": _contribute,
    "export": _sign_export,
    "feed order": lambda hub: OrderFeed(feed="drop", action="run"),
    "feed replay": lambda hub: ReplayFeed(feed="files"),
    "feed retry": lambda hub: RetryFeed(feed="drop"),
    "feed run": lambda hub: RunFeed(feed="drop"),
    "feed verify": lambda hub: VerifyFeed(feed="files"),
    "init": lambda hub: InitialiseHub(),
    "key drop": lambda hub: DropKey(**_KEYS),
    "key renew": lambda hub: RenewKey(**_KEYS),
    "lists update": lambda hub: UpdateList(
        folder=Path("lists"), content=StoredList(ALLOWLISTS["local-owned"], ("bank.example",), "2026-01-01")
    ),
    "move": lambda hub: MoveHub(),
    "object delete": _delete_object,
    "policy apply": lambda hub: ApplyPolicy(),
    "policy propose": lambda hub: ProposePolicy.tried(hub, _RULES, "fewer mistakes"),
    "restore": lambda hub: RestoreHub(),
}

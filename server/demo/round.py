"""The steps of the demonstration, each checked: earlier weeks, contribute, pull, sight, retract, push, another hub."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from taxii2client.v21 import Collection, as_pages

from feeds.connectors import build
from feeds.mapping.contribute import HubInbox, contribute_file
from feeds.mapping.options import Options
from feeds.mapping.rows import Counts
from feeds.runs.runner import run as run_feed
from mappers import records
from schemas import timestamp
from schemas.partner import PartnerKind
from schemas.records import Sighting
from server.demo.members import KNOWN_FOR, POLICE, login_links, register
from server.demo.neighbour import Neighbour
from server.demo.site import DemoHub, Member
from server.demo.weeks import MOST_WEEKS, Weeks
from server.operations.operation import Actor
from server.release.retract import retract
from server.store import collections, log

_REPORTS = Path(__file__).parent / "reports"
_RECEIVED = "from-the-hub"
_SIGHTED = 25
_PAGE = 2000

Objects = list[dict[str, Any]]


class DemoRound:
    """One demonstration, in a folder that is removed at the end."""

    def __init__(self, tell: Callable[[str], None], weeks: int = MOST_WEEKS) -> None:
        """Make the hub. ``tell`` is called at each step; ``weeks`` is the number of earlier weeks."""
        self._tell = tell
        self._weeks = weeks
        self._folder = tempfile.TemporaryDirectory(prefix="scamfeed-demo-")
        self._root = Path(self._folder.name)
        self._started = time.monotonic()
        self._counts = Counts()
        self._exchanged: dict[str, int] = {}
        self._held: dict[str, bool] = {}
        self._hub = DemoHub("Demo hub", self._root / "hub")
        self._others: list[DemoHub] = []
        self._try: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Return the demonstration."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the servers and remove the folder."""
        for hub in (self._hub, *self._others):
            hub.stop()
        self._folder.cleanup()

    def open(self) -> dict[str, str]:
        """Serve the hub with its partners and people, before anything is reported; return the address and the logins.

        No figures are published while the past is played, or days would be closed before they are complete.
        """
        self._hub.launch(background=False)
        with timestamp.frozen_at(timestamp.now() - KNOWN_FOR):
            self._round = self._register()
            self._members = register(self._hub)
        self._try = {"page": f"{self._hub.address}/", **login_links(self._hub)}
        self._hub.wait()
        return self._try

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Run all steps and return the figures; ``held`` has a result for each check.

        ``progress`` gets the number of days played of the past, and of all.
        """
        platform, telecom, exchange, bank = self._round
        self._tell(f"the earlier weeks are played ({self._weeks}), with a clock of their own")
        Weeks(self._hub.hub, self._members, timestamp.now(), self._weeks).play(progress)
        self._hub.start_background()

        self._tell("a platform, an exchange and a bank contribute files")
        self._contribute(platform, "platform-domains.hosts.gz", scam_type="merchandise", tlp="clear")
        self._contribute(exchange, "exchange-wallets.csv.gz", scam_type="other", tlp="clear")
        self._contribute(exchange, "exchange-phishing-wallets.csv.gz", tlp="green")
        self._contribute(bank, "bank-mule-accounts.jsonl.gz")
        self._tell("a telecom's folder is pulled by the connector file-pull")
        self._pull_folder(telecom)

        self._tell("a bank and a platform pull over HTTP with taxii2-client")
        takedown = self._pull(platform, "takedown")
        accounts = self._pull(bank, "mule-accounts")
        self._pull(bank, "wallets")
        self._tell("a government posts sightings, and they arrive")
        self._sight(self._members[POLICE], platform, takedown)
        self._tell("the bank contributes the same file again")
        self._repeat(bank)
        self._tell("an indicator is retracted, and the bank sees it")
        self._retract(bank, accounts)
        self._tell("the connector taxii-push fills the bank's own Scamfeed")
        self._push(bank)
        neighbour = Neighbour(self._hub, self._root / "neighbour")
        self._others.append(neighbour.hub)
        self._held |= neighbour.exchange(self._tell)
        return self._result(bank)

    def _register(self) -> tuple[Member, Member, Member, Member]:
        """Register the partners of the round."""
        add = self._hub.add_partner
        platform = add("Social platform", PartnerKind.PLATFORM, read=("takedown", "sightings"), write=("inbox",))
        telecom = add("Telecom operator", PartnerKind.TELECOM, read=("takedown",), write=("inbox",))
        exchange = add("Crypto exchange", PartnerKind.EXCHANGE, read=("wallets",), write=("inbox",))
        bank = add(
            "First bank", PartnerKind.BANK, read=("mule-accounts", "mule-accounts-full", "wallets"), write=("inbox",)
        )
        return platform, telecom, exchange, bank

    def _contribute(self, member: Member, name: str, **defaults: str) -> None:
        for outcome in self._contributed(member, name, defaults):
            self._counts.add(outcome)

    def _contributed(self, member: Member, name: str, defaults: dict[str, str]) -> Iterator[Any]:
        partner = member.partner
        options = Options(partner.name, partner.kind, reported_at=timestamp.now(), defaults=defaults)
        with (_REPORTS / name).open("rb") as stream:
            inbox = HubInbox(self._hub.hub, partner, Actor.system(partner.name))
            yield from contribute_file(inbox, stream, name, options)

    def _pull_folder(self, telecom: Member) -> None:
        drop = self._root / "telecom-drop"
        drop.mkdir()
        for name in ("telecom-example-numbers.csv.gz", "telecom-smishing-domains.csv.gz"):
            shutil.copy(_REPORTS / name, drop)
        table = {
            "name": "telecom-drop",
            "connector": "file-pull",
            "every": "5m",
            "path": str(drop),
            "contribute_as": telecom.partner.name,
            "scam_type": "impersonation-business",
            "tlp": "green",
        }
        run = run_feed(self._hub.hub, build(table))
        self._counts.read += run.read
        self._counts.mapped += run.accepted
        self._counts.duplicates += run.read - run.accepted - run.rejected
        self._counts.rejected.update(run.reasons)
        again = run_feed(self._hub.hub, build(table))
        self._held["file-pull reads each file once"] = run.error is None and run.read > 0 and again.read == 0

    def _pull(self, member: Member, alias: str, **filters: Any) -> Objects:
        objects = [
            obj
            for page in as_pages(self._collection(member, alias).get_objects, _PAGE, **filters)
            for obj in page.get("objects", [])
        ]
        with self._hub.store.read() as tx:
            there = log.count(tx, collections.get(tx, alias))
        ids = {obj["id"] for obj in objects}
        self._exchanged[f"{member.partner.name} pulled from {alias}"] = len(objects)
        self._held[f"{member.partner.name} has all of {alias}, each once"] = len(objects) == len(ids) == there > 0
        return objects

    def _sight(self, police: Member, platform: Member, takedown: Objects) -> None:
        now = timestamp.now()
        # The last ones: some of the earlier ones have sightings already.
        seen = [obj["id"] for obj in takedown if obj["type"] == "indicator"][-_SIGHTED:]
        who = {"reporter": police.partner.name, "reported_at": now, "first_seen": now, "last_seen": now}
        sightings = [records.to_stix(Sighting.model_validate({**who, "of": seen_id}))[0] for seen_id in seen]
        status = self._collection(police, "inbox").add_objects({"objects": sightings})
        # The hub itself names the objects it publishes, so that an id does not reveal the observer.
        sightings = [obj for obj in self._pull(platform, "sightings") if obj["type"] == "sighting"]
        arrived = sorted(obj["sighting_of_ref"] for obj in sightings if obj["sighting_of_ref"] in set(seen))
        self._exchanged["Cyber police posted sightings"] = status.success_count
        self._held["the sightings arrive"] = arrived == sorted(seen)

    def _retract(self, bank: Member, accounts: Objects) -> None:
        # The last ones belong to the bank.
        indicator = next(obj for obj in reversed(accounts) if obj["type"] == "indicator")
        manifest = [
            record
            for page in as_pages(self._collection(bank, "mule-accounts").get_manifest, _PAGE)
            for record in page["objects"]
        ]
        with self._hub.store.begin() as tx:
            retract(self._hub.hub, tx, indicator["id"], bank.partner)
        since = max(record["date_added"] for record in manifest)
        news = self._collection(bank, "mule-accounts").get_objects(added_after=since).get("objects", [])
        self._held["the bank sees the retraction at its next poll"] = [
            (obj["id"], obj["revoked"], obj["valid_until"] <= timestamp.text(timestamp.now())) for obj in news
        ] == [(indicator["id"], True, True)]

    def _push(self, bank: Member) -> None:
        own = DemoHub("Demo bank", self._root / "bank")
        self._others.append(own)
        own.start()
        with own.store.begin() as tx:
            collections.add(tx, _RECEIVED, "From the hub")
        peer = own.add_partner("Demo hub", PartnerKind.GOVERNMENT, read=(_RECEIVED,), write=(_RECEIVED,), forwards=True)
        secret = self._root / "bank-password"
        secret.write_text(peer.credentials.password, encoding="utf-8")
        with own.store.read() as tx:
            collection = collections.get(tx, _RECEIVED)
        table = {
            "name": "to-the-bank",
            "connector": "taxii-push",
            "every": "5m",
            "url": f"{own.address}/feed/collections/{collection.id}/",
            "user": peer.credentials.user,
            "password": {"file": str(secret)},
            "partner": bank.partner.name,
            "collection": "mule-accounts-full",
            "allow_private": True,
        }
        run = run_feed(self._hub.hub, build(table))
        with self._hub.store.read() as tx:
            sent = log.count(tx, collections.get(tx, "mule-accounts-full"))
        with own.store.read() as tx:
            received = log.count(tx, collection)
        self._exchanged["taxii-push to the bank's Scamfeed"] = received
        self._held["the bank's Scamfeed has the pushed objects"] = run.error is None and received == sent > 0

    def _repeat(self, bank: Member) -> None:
        before = self._last_added()
        for _ in self._contributed(bank, "bank-mule-accounts.jsonl.gz", {}):
            pass
        self._held["the same file again changes nothing"] = self._last_added() == before

    def _last_added(self) -> dict[str, int | None]:
        with self._hub.store.read() as tx:
            return {collection.alias: log.last_added(tx, collection) for collection in collections.all_collections(tx)}

    def _result(self, bank: Member) -> dict[str, Any]:
        with self._hub.store.read() as tx:
            published = {
                collection.alias: log.count(tx, collection)
                for collection in collections.all_collections(tx)
                if collection.kind == "released"
            }
        return {
            "reports": self._counts.as_dict(),
            "published": published,
            "exchanged": self._exchanged,
            "held": self._held,
            "seconds": round(time.monotonic() - self._started, 2),
            "try": {
                **self._try,
                "discovery": f"{self._hub.address}/taxii2/",
                "API root": f"{self._hub.address}/feed/",
                "user": bank.credentials.user,
                "password": bank.credentials.password,
                "token": bank.credentials.token,
            },
        }

    def _collection(self, member: Member, alias: str) -> Collection:
        with self._hub.store.read() as tx:
            id_ = collections.get(tx, alias).id
        credentials = member.credentials
        return Collection(
            f"{self._hub.address}/feed/collections/{id_}/", user=credentials.user, password=credentials.password
        )

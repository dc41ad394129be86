"""A bank fails, hangs, lies and resets at random, and in the end both sides have the same active values."""

import base64
import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from standardwebhooks import Webhook

from feeds.connector import Connector, FeedSettings
from feeds.connectors import build
from feeds.runs import due
from feeds.runs.retry import retry_feed
from feeds.runs.schedule import Schedule
from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, feed_state, inbox, log, partners, reviews
from server.store.objects.query import UNLIMITED, Query
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.integration import peers
from tests.integration.faults import HANG_SECONDS, Line, spoiled
from tests.integration.flow import Flow, OnAStore, OnMedallion
from tests.integration.lies import of_a_page, of_a_post, of_a_webhook
from tests.integration.peers import TAXII

pytestmark = pytest.mark.long

# Set a longer duration for a thorough run.
SECONDS = float(os.environ.get("FAULTS_SECONDS", "20"))
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ROOMS = ("91a7b528-80eb-42ed-a74d-c6fbd5a26116", "52892447-4d7e-4f70-b94d-d7f22742ff63")
MOST = 1_000_000


def active(store: Store, alias: str) -> dict[str, str]:
    """Return the active indicators of a collection with their versions."""
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, alias), Query(limit=UNLIMITED)).bodies
    return standing(map(orjson.loads, bodies))


def standing(objects: Any) -> dict[str, str]:
    return {obj["id"]: obj["modified"] for obj in objects if obj["type"] == "indicator" and not obj.get("revoked")}


@dataclass
class Bank(HttpPeer):
    """A webhook receiver that keeps the newest version of each object received."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        message = Webhook(SECRET).verify(asked.body, dict(asked.headers))
        for event in message["data"]["events"]:
            obj = event["object"]
            had = self.objects.get(obj["id"])
            if had is None or obj.get("modified", "") > had.get("modified", ""):
                self.objects[obj["id"]] = obj
        return Said(204)


@pytest.fixture
def medallion(tmp_path: Path) -> Iterator[str]:
    with peers.medallion(tmp_path, ROOMS, MOST) as address:
        yield address


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("MEDALLION_PASSWORD", "s3cret")
    # This test has no time for an hour's pause after errors.
    monkeypatch.setattr(due, "_FIRST_WAIT", 0.2)
    monkeypatch.setattr(due, "_LONGEST_WAIT", 2.0)
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    set_up(store)
    with store.begin() as tx:
        for name in ("Peer", "Medallion", "Bank"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name), vouched=True))
        collections.grant(tx, "Bank", collections.get(tx, "takedown"), read=True)
    yield store
    store.close()


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, str, str]]:
    """Serve a partner's hub, and yield it, its address, and our user name on it."""
    database = f"sqlite:///{tmp_path / 'peer.db'}"
    store = Store.open(database)
    set_up(store)
    with store.begin() as tx:
        # Its listings were created by the hub's own identity: it passes them on.
        rights = {"vouched": True, "forwards": True}
        us = partners.add(tx, Partner(name="Hub", kind=PartnerKind.BANK, identity=ids.identity("Hub"), **rights))
        collections.grant(tx, "Hub", collections.get(tx, "takedown"), read=True)
        collections.grant(tx, "Hub", collections.add(tx, "room", "Room"), read=True, write=True)
    monkeypatch.setenv("PEER_PASSWORD", us.password)
    monkeypatch.setenv("SCAMFEED_RATE_LIMIT", "0")
    with peers.scamfeed(database, tmp_path / "peer.log") as url:
        yield store, url, us.user
    store.close()


def test_both_sides_have_the_same_values_after_the_faults(
    hub: Store, peer: tuple[Store, str, str], medallion: str
) -> None:
    seed = int(os.environ.get("FAULTS_SEED", random.randrange(1 << 30)))  # noqa: S311 - which fault comes is no secret
    chance = random.Random(seed)  # noqa: S311 - the same
    theirs, url, user = peer
    bank = Bank()
    rooms = [f"{medallion}api/collections/{room}/" for room in ROOMS]
    with ExitStack() as stack:
        stack.enter_context(serving(bank))
        lines = {
            name: stack.enter_context(spoiled(Line(behind, seed + number, lie)))
            for number, (name, behind, lie) in enumerate(
                (
                    ("webhook", bank.url, of_a_webhook),
                    ("to-medallion", medallion, of_a_post),
                    ("to-a-hub", url, of_a_post),
                    ("from-medallion", medallion, of_a_page),
                    ("from-a-hub", url, of_a_page),
                )
            )
        }
        urls = {name: line.url for name, line in lines.items()}
        flows = {
            "Police": Flow(OnAStore(hub, "Police"), "p", chance),
            "Peer": Flow(OnAStore(theirs, "A bank"), "b", chance),
            "Medallion": Flow(OnMedallion(rooms[1]), "m", chance),
        }

        def differences() -> dict[str, Any]:
            ours = active(hub, "takedown")
            found = {
                "webhook": ours.items() ^ standing(bank.objects.values()).items(),
                "to-a-hub": ours.items() ^ active(theirs, "room").items(),
                "to-medallion": ours.items() ^ standing(_read(rooms[0])).items(),
                **{f"from {name}": _active_of(hub, name) ^ flow.active for name, flow in flows.items()},
            }
            return {name: sorted(map(str, some))[:5] for name, some in found.items() if some}

        def is_enough() -> bool:
            """Return whether each kind of fault has occurred, which takes longer on a busy machine."""
            spoiled_ways = ({fault.partition(" ")[2] for fault in line.done} for line in lines.values())
            return all({"before", "after"} <= ways for ways in spoiled_ways) and all(
                flow.done["report_again"] for flow in flows.values()
            )

        with Schedule(Hub(hub), [*_feeds(urls, user, timeout=HANG_SECONDS / 2).values()]):
            end = time.monotonic() + SECONDS
            while time.monotonic() < end or not is_enough():
                for flow in flows.values():
                    flow.step()
                # Medallion slows down with every object that it stores.
                time.sleep(max(0.2, SECONDS / 150))
            with hub.read() as tx:
                stopped = [state.feed for state in feed_state.all_states(tx).values() if state.stopped]
        for line in lines.values():
            line.bad = False
        # On a very busy machine, a healthy peer can be slow.
        feeds = _feeds(urls, user, timeout=60)
        with Schedule(Hub(hub), [*feeds.values()]):
            deadline = time.monotonic() + 120 + SECONDS / 3
            while differences():
                assert time.monotonic() < deadline, (seed, differences())
                for name, feed in feeds.items():
                    if name in ("webhook", "to-medallion", "to-a-hub"):
                        retry_feed(Hub(hub), feed, everything=True)
                time.sleep(1)
        for name, line in lines.items():
            assert line.done["well"], (seed, name)
            print(name, dict(line.done.most_common()))  # noqa: T201 - figures to look at
        print({name: dict(flow.done) for name, flow in flows.items()}, "seed", seed)  # noqa: T201 - the same
    assert stopped == [], seed


def _feeds(urls: dict[str, str], user: str, *, timeout: float) -> dict[str, Connector[FeedSettings]]:
    common = {"every": "1s", "batch": 50, "timeout": f"{timeout}s", "retries": 1, "allow_private": True}
    push = {"partner": "Bank", "collection": "takedown"}
    on_medallion = {"user": "hub", "password": {"env": "MEDALLION_PASSWORD"}}
    on_a_hub = {"user": user, "password": {"env": "PEER_PASSWORD"}}
    tables: dict[str, dict[str, Any]] = {
        "webhook": {"connector": "webhook-push", "secret": {"env": "WEBHOOK_SECRET"}, **push},
        "to-medallion": {
            "connector": "taxii-push",
            "peer_collection": ROOMS[0],
            "wait": "1s",
            # Medallion interprets its property ``version`` as a time, and then returns no objects.
            "leave_out": ["extension-definition"],
            **push,
            **on_medallion,
        },
        "to-a-hub": {"connector": "taxii-push", "peer_collection": "room", "wait": "1s", **push, **on_a_hub},
        "from-medallion": {"connector": "taxii-pull", "peer_collection": ROOMS[1], **on_medallion},
        "from-a-hub": {"connector": "taxii-pull", "peer_collection": "takedown", **on_a_hub},
    }
    roots = {"webhook": "", "to-medallion": "api/", "from-medallion": "api/"}
    partner = {"from-medallion": {"contribute_as": "Medallion"}, "from-a-hub": {"contribute_as": "Peer"}}
    return {
        name: build(
            {"name": name, "url": urls[name] + roots.get(name, "feed/"), **common, **table, **partner.get(name, {})}
        )
        for name, table in tables.items()
    }


def _active_of(store: Store, name: str) -> set[str]:
    """Return the values of a partner's active indicators that are not held for review, each once."""
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, "inbox"), Query(limit=UNLIMITED, types=("indicator",))).bodies
        objects = [obj for obj in map(orjson.loads, bodies) if obj["created_by_ref"] == ids.identity(name)]
        held = {inbox.object_id(each.object_id) for each in reviews.all_reviews(tx, partner=name, limit=None)}
    values = [obj["pattern"].split("'")[1] for obj in objects if obj["id"] in standing(objects).keys() - held]
    assert len(values) == len(set(values))
    return set(values)


def _read(url: str) -> list[dict[str, Any]]:
    asked = {"params": {"limit": MOST}, "headers": {"Accept": TAXII}, "auth": ("hub", "s3cret")}
    answer = requests.get(f"{url}objects/", timeout=300, **asked)  # type: ignore[arg-type]  # by name
    answer.raise_for_status()
    assert not answer.json().get("more")
    found: list[dict[str, Any]] = answer.json().get("objects", [])
    return found

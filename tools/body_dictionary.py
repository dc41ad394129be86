"""Train the dictionary for the compression of bodies: ``python -m tools.body_dictionary FILE``.

A dictionary in use never changes: a better one gets a new number in ``server/store/objects/bodies``, and the old one
stays.
"""

import argparse
import json
import random
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import zstandard

from benchmarks.mapping import KINDS
from benchmarks.release.indicators import indicator
from mappers.indicator import to_stix
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.vocabulary import Channel, PaymentRail, ScamType, Tlp
from server.release.contribute import contribute
from server.release.guard import stix_object
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item
from server.store.objects.query import EVERY, Query

_SIZE = 24 * 1024
_EACH = 240
_COUNTRIES = ("TH", "SG", "GB", "MY", "AU", "VN")
_PARTNERS = 6
_VALUES = {
    **{kind: make for kind, (_, make) in KINDS.items()},
    "social-account": lambda number: f"https://www.facebook.com/shop{number}",
    "email": lambda number: f"help{number}@shop-{number}.example.com",
    "ip": lambda number: f"203.0.{number % 114}.{number % 256}",
}


def samples(dice: random.Random) -> Iterator[bytes]:
    """Yield bodies as a hub stores them: our reports and those of other software, and listings with their objects."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/hub.db")
        set_up(store)
        for number in range(_PARTNERS):
            partner = Partner(
                name=f"Partner {number}",
                kind=list(PartnerKind)[number % len(PartnerKind)],
                country=_COUNTRIES[number],
                identity=f"identity--{uuid.UUID(int=dice.getrandbits(128), version=4)}",
            )
            with store.begin() as tx:
                partners.add(tx, partner)
            for items in (list(_of_others(partner)), list(_of_ours(partner, dice))):
                with store.begin() as tx:
                    contribute(Hub(store), tx, partner, items)
        with store.read() as tx:
            for collection in collections.all_collections(tx):
                if collection.kind == "inbox" or collection.alias.endswith("-full"):
                    yield from _joined(log.page(tx, collection, Query(versions=EVERY)).bodies)
        store.close()


def _of_others(partner: Partner) -> Iterator[Item]:
    for number in range(_EACH * 2):
        yield stix_object.check(json.dumps(indicator(partner.identity, "made", number)).encode())


def _of_ours(partner: Partner, dice: random.Random) -> Iterator[Item]:
    for kind, value in _VALUES.items():
        for _ in range(_EACH):
            reported = datetime.now(UTC) - timedelta(seconds=dice.randrange(86_400 * 20))
            report = {
                "kind": kind,
                "value": value(dice.randrange(1_000)),
                "reporter": partner.identity,
                "reported_at": reported,
                "scam_type": dice.choice(list(ScamType)),
                "channel": dice.choice([None, *Channel]),
                "payment_rail": dice.choice([None, *PaymentRail]) if kind == "bank-account" else None,
                "tlp": dice.choice([Tlp.CLEAR, Tlp.GREEN, Tlp.GREEN, Tlp.AMBER]),
                "confidence": dice.choice([None, 50, 80, 95]),
                "countries": dice.sample(_COUNTRIES, dice.randrange(3)),
            }
            try:
                objects = to_stix(
                    Report.model_validate({name: each for name, each in report.items() if each is not None})
                )
            except (Rejected, ValueError):
                continue
            yield from (Item.of(obj) for obj in objects if obj["type"] == "indicator")


def _joined(bodies: list[bytes]) -> Iterator[bytes]:
    """Yield bodies; join those of a listing and its accompanying objects."""
    waiting: list[bytes] = []
    for body in bodies:
        obj: dict[str, Any] = orjson.loads(body)
        if waiting and obj["type"] == "indicator":
            yield b"".join(waiting)
            waiting = []
        waiting.append(body)
        if len(waiting) == 3 or obj["type"] not in ("indicator", "relationship"):
            yield b"".join(waiting)
            waiting = []
    if waiting:
        yield b"".join(waiting)


def main() -> None:
    """Write a dictionary into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    into: Path = parser.parse_args().file
    dice = random.Random(1)  # noqa: S311  # the same choices each time
    found = [body for body in samples(dice) if len(body) < 8_000]
    dice.shuffle(found)
    half = len(found) // 2
    dictionary = zstandard.train_dictionary(_SIZE, found[:half], level=3)
    into.write_bytes(dictionary.as_bytes())
    made = zstandard.ZstdCompressor(level=3, dict_data=dictionary, write_dict_id=False, write_checksum=False)
    before, after = sum(map(len, found[half:])), sum(len(made.compress(body)) for body in found[half:])
    sys.stdout.write(
        f"{len(found)} bodies, {before / (len(found) - half):.0f} -> {after / (len(found) - half):.0f} bytes each\n"
    )


if __name__ == "__main__":
    main()

"""No column of the store, and no file beside it, has an erased value in any spelling."""

import base64
import gzip
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Column, Integer, LargeBinary, Table, Text, insert, select

from schemas.site import names_of
from server.features.allowlists.operations import AddAllowlistEntry
from server.features.erasures import other_tables
from server.features.erasures.other_tables import TablePlace
from server.operations.operation import Actor
from server.operations.run import run
from server.release import spellings
from server.release.guard.allowlists.lookup import Allowlists
from server.release.traces import ValueTraces
from server.store import Store
from server.store.allowlist import entries
from server.store.database.engine import Tx
from server.store.objects import bodies
from server.store.tables import Erase, declared, objects
from tests.unit.server.features.erasures.conftest import ErasingHub

WALLET = "rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe"
# The kind, how it is reported and stored, and the part of it that people write.
VALUES = [
    ("domain", "evil-shop.example.com", "evil-shop.example.com", "evil-shop.example.com"),
    ("url", "https://pay.example.net/evil?id=77", "https://pay.example.net/evil?id=77", "pay.example.net/evil?id=77"),
    ("email", "scam.mer@evil.example.com", "scam.mer@evil.example.com", "scam.mer@evil.example.com"),
    ("ip", "198.51.100.77", "198.51.100.77", "198.51.100.77"),
    ("phone", "+66812345678", "+66812345678", "0812345678"),
    ("bank-account", "KASITHBK:1234567890", "TH:KASITHBK:1234567890", "1234567890"),
    ("payment-alias", "promptpay:+66898765432", "promptpay:+66898765432", "0898765432"),
    ("wallet", WALLET, WALLET, WALLET),
    ("social-account", "facebook:evilshop99", "facebook:evilshop99", "evil.shop.99"),
    ("app", "android:com.evil.loan", "android:com.evil.loan", "com.evil.loan"),
    ("company", "GB:00445790", "GB:00445790", "00445790"),
]  # fmt: skip
ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
THAI = ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า")


def spelled(part: str) -> list[str]:
    """Return at least eight spellings of a value."""
    numbers = [" ".join(words[int(char)] if char.isdecimal() else char for char in part) for words in (ENGLISH, THAI)]
    names = [
        part.replace(".", "[.]").replace("@", "[at]"),
        part.replace(".", " dot ").replace("@", " at "),
        part.replace(".", " (จุด) ").replace("@", " (แอท) "),
    ]
    return [
        part,
        part.upper(),
        "".join(chr(ord(char) + 0xFEE0) for char in part),
        "".join(f"%{octet:02X}" for octet in part.encode()),
        "".join(f"&#{ord(char)};" for char in part),
        base64.b64encode(f"pay to {part} now".encode()).decode(),
        "\u200b".join(part),
        " ".join(part),
        *(numbers if part.isdecimal() else names),
    ]


def rows(tx: Tx, table: Table) -> list[Mapping[str, Any]]:
    return [dict(row._mapping) for row in tx.execute(select(table))]


def is_filled(column: Column[Any]) -> bool:
    rule = column.info.get(Erase)
    is_text = isinstance(column.type, Text | LargeBinary) and not column.primary_key and not column.foreign_keys
    return is_text and (rule is Erase.ROW or (rule is Erase.CLEANED and column.name not in ("kind", "state")))


def row_with(table: Table, number: int, text: str) -> dict[Column[Any], Any]:
    """Return a row whose free texts are ``text``."""
    row: dict[Column[Any], Any] = {}
    for column in table.columns:
        if isinstance(column.type, Text):
            row[column] = text if is_filled(column) else f"x{number}"
        elif isinstance(column.type, LargeBinary):
            row[column] = msgspec.json.encode({"text": text}) if is_filled(column) else b"[]"
        else:
            row[column] = number if isinstance(column.type, Integer) else None if column.nullable else False
    return row


def filled() -> Iterator[Table]:
    """Yield the tables that have free texts."""
    for table in declared().sorted_tables:
        if table.name in other_tables.names() and any(map(is_filled, table.columns)):
            yield table


def texts_of(tx: Tx) -> Iterator[tuple[str, str]]:
    """Yield each text of the store with its place."""
    for table in declared().sorted_tables:
        for row in rows(tx, table):
            for name, part in row.items():
                if table is objects and name == "body":
                    part = b"\n".join(bodies.of(tx).all_of(tx, bytes(part)))
                if isinstance(part, bytes | memoryview):
                    part = bytes(part).decode(errors="replace")
                if isinstance(part, str):
                    yield f"{table.name}.{name}", part


@pytest.fixture
def filled_hub(initial_store: Path, tmp_path: Path) -> Iterator[ErasingHub]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    hub = ErasingHub(store, tmp_path, None)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "local-owned.txt.gz").write_bytes(
        gzip.compress(b"# loaded 2026-01-01\nevil-shop.example.com\nours.example.org\n")
    )
    (lists / "local-addresses.txt").write_text("198.51.100.77\n203.0.113.9\n")
    hub.hub = replace(hub.hub, allowlists=Allowlists(lists))
    yield hub
    store.close()


class Undone(Exception):
    """Ends a transaction without storing it."""


@pytest.mark.parametrize(("kind", "stored", "part"), [(kind, stored, part) for kind, _, stored, part in VALUES])
def test_each_free_text_of_each_table_is_cleaned(filled_hub: ErasingHub, kind: str, stored: str, part: str) -> None:
    traces = ValueTraces.of([f"{kind}:{stored}"], {})
    texts = spelled(part)
    with suppress(Undone), filled_hub.store.begin() as tx:
        tx.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for number, table in enumerate(filled(), 1_000):
            text = "".join(f"the same gang: {text} they say; " for text in texts)
            tx.execute(insert(table).values(row_with(table, number, text)))
        place: TablePlace | None = TablePlace(0, None)
        while place is not None:
            place = other_tables.clean(tx, traces, place, 10_000, lambda _, body: body, Counter())
        names = {table.name for table in filled()}
        left = [(place, text) for place, text in texts_of(tx) if place.partition(".")[0] in names]
        assert any("[erased]" in text for _, text in left)
        for where, text in left:
            assert not traces.is_in(text.encode()), where
            assert not any(each in text for each in texts), where
        raise Undone


def test_no_text_of_the_store_has_an_erased_value(filled_hub: ErasingHub) -> None:
    hub = filled_hub
    first, second = hub.join("First"), hub.join("Second")
    every: list[str] = []
    for kind, reported, stored, part in VALUES:
        hub.report(first, reported, kind=kind)
        run(hub.hub, AddAllowlistEntry(value=f"{kind}:{stored}", reason="ours"), Actor.system("Anong"))
        every += spelled(part)
    for number, text in enumerate(every):
        # The guard refuses some of them, as data of persons.
        hub.post(
            second, *hub.objects(second, f"KASITHBK:999888{number:04}", description=f"the same gang: {text} they say")
        )
    with hub.store.read() as tx:
        before = " ".join(text for _, text in texts_of(tx))
    assert sum(msgspec.json.encode(text).decode()[1:-1] in before for text in every) > len(every) // 2
    for kind, reported, _, _ in VALUES:
        hub.erase(reported, kind if kind in ("phone", "payment-alias") else None)
    with hub.store.read() as tx:
        found = list(texts_of(tx))
        assert entries.page(tx) == []
    for kind, _, stored, part in VALUES:
        looked_for = spellings.of([(kind, stored)])
        literal = {*spelled(part), f"{kind}:{stored}", *names_of(kind, stored)}
        left = [
            (place, text[:80])
            for place, text in found
            if looked_for.is_in(text.encode()) or any(each in text for each in literal)
        ]
        assert left == [], part
        assert hub.traces(*literal) == []
    lists = {file.name: gzip.decompress(file.read_bytes()).decode() for file in (hub.files / "lists").iterdir()}
    assert {name: text.splitlines()[1:] for name, text in lists.items()} == {
        "local-owned.txt.gz": ["ours.example.org"],
        "local-addresses.txt.gz": ["203.0.113.9"],
    }
    assert not any(part in file.name for file in hub.files.rglob("*") for _, _, _, part in VALUES)

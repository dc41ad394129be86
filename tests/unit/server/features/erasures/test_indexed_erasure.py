"""An erasure that looks rows up in the index of texts changes the same rows as one that reads all of them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, insert, select

from schemas import beginnings
from schemas.partner import Partner
from server.features.erasures import action, indexing, job
from server.operations import dual_control, registry
from server.release import spellings
from server.release.spellings import Spellings
from server.store import collections, jobs, log, partners
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.objects import bodies, text_keys
from server.store.objects.query import Query
from server.store.objects.text_keys import Words
from server.store.tables import declared, jobs as job_rows, objects, text_keys as stretches
from tests.times import text_ago
from tests.unit.server.features.erasures.conftest import ErasingHub
from tests.unit.server.features.erasures.test_erasing import HIDDEN, NUMBER, SPELLED, SUBJECT, VALUE

_OFTEN = 60
_WORDS = (
    "the same gang",
    "โอนเงินไปที่บัญชี",
    "100%25 &amp; more",
    "case 123/45, room 6789",
    "seen at https://shop.example/pay?id=12345678",
    "ref 1234567 89",
    "ＡＢ１２",
    "aGVsbG8gd29ybGQgb2YgdGV4dHM=",
    "12345678901",
)
_APART = ("jobs", "text_keys", "erasures", "alembic_version", "heartbeats")


def contribute_at_random(hub: ErasingHub, seed: int) -> None:
    """Contribute reports and annotations of other values, of which some mention the value in their texts."""
    rand = random.Random(seed)  # noqa: S311 - it chooses examples
    spelled = [*SPELLED, *HIDDEN.values(), *(f"KBANK{text}" for text in SPELLED)]

    def words() -> str:
        parts = [rand.choice(spelled) if rand.random() < 0.3 else rand.choice(_WORDS) for _ in range(3)]
        return rand.choice((" and ", " - so it is - ", "ค่ะ", "; they say ")).join(parts)

    first, second = hub.join("First"), hub.join("Second")
    police = hub.join("Police", "government", "mule-accounts")
    own = [hub.report(partner, VALUE, description=words()) for partner in (first, second)]
    alike = hub.report(first, f"SICOTHBK:{NUMBER}", description="another bank")
    others = []
    for number in range(8):
        others.append(hub.report(rand.choice((first, second)), f"KASITHBK:999888{number:04}", description=words()))
    # The first listing shows the description of its only report; the second report ends that.
    hub.report(police, "KASITHBK:9998880000", description=words())
    hub.report(first, "https://shop.example.com/12345", kind="url", description=words())
    for number, obj in enumerate(others):
        hub.record(
            first if number % 2 else second, record="opinion", of=obj["id"], opinion="agree", description=words()
        )
    for members in ([own[1], others[0]], [others[2], others[3]], [own[1], alike]):
        ids = [obj["id"] for obj in members]
        hub.record(second, record="case", members=ids, name="A gang", description=words())
    listing = hub.listing(SUBJECT)
    hub.record(police, record="sighting", of=listing, description=words(), last_seen=text_ago(days=29))


def begin(hub: ErasingHub) -> str:
    """Begin the erasure of the value, and return the id of the erasure."""
    with hub.store.begin() as tx:
        arguments = action.arguments(tx, VALUE, None, "the law asks for it")
        proposed = dual_control.propose(hub.hub, tx, action.ACTION, arguments, "Anong")
    with hub.store.begin() as tx:
        dual_control.confirm(hub.hub, tx, registry.actions(), proposed.id, "Boon")
    with hub.store.read() as tx:
        [id_] = job.unfinished(tx)
    return id_


class Undone(Exception):
    """Ends a transaction without storing it."""


@contextmanager
def undone(hub: ErasingHub) -> Iterator[Tx]:
    try:
        with hub.store.begin() as tx:
            yield tx
            raise Undone
    except Undone:
        pass


def finish(tx: Tx, erasure: str, most: int = 20) -> dict[str, int]:
    """Do all batches of the erasure, and return its counts."""
    work = job.ErasureJob(erasure)
    found = jobs.find(tx, f"erase {erasure}")
    assert found is not None
    state = found.state
    for _ in range(5_000):
        progress = work.batch(tx, state, most)
        state = msgspec.json.decode(msgspec.json.encode(progress.state))
        if progress.ended:
            return dict(state["counts"])
    raise AssertionError("the erasure does not end")


def content(tx: Tx) -> dict[str, Any]:
    """Return the rows of all tables, with the bodies of the log unpacked."""
    found: dict[str, Any] = {}
    for table in declared().sorted_tables:
        if table.name not in _APART:
            rows = tx.execute(select(table)).all()
            found[table.name] = sorted(repr(_unpacked(tx, table.name, row._asdict())) for row in rows)
    return found


def _unpacked(tx: Tx, table: str, row: dict[str, Any]) -> dict[str, Any]:
    if table == objects.name:
        return {**row, "body": bodies.of(tx).all_of(tx, bytes(row["body"]))}
    # A random number, so that cached pages become invalid.
    return {**row, "count": 0} if table == "rewrites" else row


def read_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an erasure read all rows, as for a value without known beginnings."""
    of = spellings.of

    def unknown(values: Any) -> Spellings:
        return of(values)._replace(beginnings=None)

    monkeypatch.setattr(spellings, "of", unknown)


@pytest.mark.long_but("0")
@pytest.mark.parametrize("seed", range(4))
def test_same_rows_change_as_when_all_are_read(hub: ErasingHub, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    contribute_at_random(hub, seed)
    erasure = begin(hub)
    with undone(hub) as tx:
        before = content(tx)
        counts = finish(tx, erasure)
        indexed = content(tx)
    assert indexed != before
    read_everything(monkeypatch)
    with undone(hub) as tx:
        assert content(tx) == before
        all_counts = finish(tx, erasure)
        read = content(tx)
    assert {name: rows for name, rows in indexed.items() if rows != read[name] and name != "ledger_spans"} == {}
    assert counts == all_counts


def forget_index(tx: Tx) -> None:
    """Let the rows so far be from before the index, as the migration leaves them."""
    tx.execute(delete(stretches))
    left = [[one.log, -1, one.last_added] for one in collections.all_collections(tx) if one.log == one.number]
    row = {"name": "index texts", "state": msgspec.json.encode({"left": left})}
    tx.execute(insert(job_rows).values(**row, begun=now(), saved=now(), ended=now()))


@pytest.mark.long_but("1")
@pytest.mark.parametrize("steps", [0, 1, 3, _OFTEN])
def test_older_rows_are_read_until_they_are_indexed(
    hub: ErasingHub, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(indexing, "_ROWS", 7)
    contribute_at_random(hub, 7)
    with hub.store.begin() as tx:
        forget_index(tx)
    hub.report(hub.join("Third"), "KASITHBK:9998885555", description=f"new, with {SPELLED[1]}")
    left = True
    for _ in range(steps):
        # A process that ends within a step leaves nothing of it.
        with undone(hub) as tx:
            indexing._index(tx)
        with hub.store.begin() as tx:
            left = indexing._index(tx)
    with hub.store.read() as tx:
        assert bool(indexing.left(tx)) is left
    assert left is (steps < _OFTEN)
    erasure = begin(hub)
    with undone(hub) as tx:
        finish(tx, erasure)
        partly = content(tx)["objects"]
    read_everything(monkeypatch)
    with undone(hub) as tx:
        finish(tx, erasure)
        assert content(tx)["objects"] == partly


def test_resumed_job_indexes_older_rows(hub: ErasingHub) -> None:
    contribute_at_random(hub, 3)
    with hub.store.begin() as tx:
        forget_index(tx)
    assert indexing.resume(hub.store, idle_since=0) == 0
    assert indexing.resume(hub.store, idle_since=now()) == 1
    with hub.store.read() as tx:
        assert indexing.left(tx) == []
        assert found(tx, SPELLED[0])
    hub.erase(VALUE)
    assert [text for text in texts(hub) if spellings.of([("bank-account", VALUE)]).is_in(text.encode())] == []


def texts(hub: ErasingHub) -> list[str]:
    with hub.store.read() as tx:
        page = log.page(tx, collections.get(tx, "inbox"), Query())
    return [msgspec.json.decode(body).get("description", "") for body in page.bodies]


def found(tx: Tx, text: str) -> list[text_keys.TextStretch]:
    """Return the stretches of the index that have a beginning of a word of a text."""
    keys = text_keys.of(tx).of_beginnings(spellings.beginnings.of_text(text))
    stretches_, _ = text_keys.find(tx, None, 10_000, lambda _: keys)
    return stretches_


def test_index_has_no_key_of_the_value_afterwards(hub: ErasingHub) -> None:
    contribute_at_random(hub, 5)
    with hub.store.read() as tx:
        assert found(tx, NUMBER)
        erased = [obj["id"] for obj in hub.objects(hub_partner(hub, "First"), VALUE)]
        about = text_keys.of(tx).of_ids(erased)
        assert text_keys.find(tx, None, 10_000, lambda _: about)[0]
    hub.erase(VALUE)
    with hub.store.read() as tx:
        alike = spellings.of([("bank-account", f"TH:{VALUE}")]).beginnings
        assert alike
        keys = text_keys.of(tx).of_beginnings(alike)
        left = {key for _, row in all_keys(tx) for key in row if key in keys}
        # A text has a longer number.
        longer = text_keys.of(tx).of_beginnings(spellings.beginnings.of_text("12345678901"))
        assert left <= longer
        assert text_keys.find(tx, None, 10_000, lambda _: about)[0] == []


def all_keys(tx: Tx) -> Iterator[tuple[int, set[bytes]]]:
    for log_, digests in tx.execute(select(stretches.c.log, stretches.c.digests)):
        keys = bytes(digests)
        yield log_, {keys[at : at + 4] for at in range(0, len(keys), 4)}


def hub_partner(hub: ErasingHub, name: str) -> Partner:
    with hub.store.read() as tx:
        return partners.get(tx, name)


def test_texts_contributed_meanwhile_are_erased(hub: ErasingHub) -> None:
    contribute_at_random(hub, 2)
    erasure = begin(hub)
    late = hub.join("Late")
    work, number = job.ErasureJob(erasure), 0
    phases = set()
    while True:
        with hub.store.begin() as tx:
            saved = jobs.find(tx, f"erase {erasure}")
            assert saved is not None
            if saved.state["step"] != "log" or saved.state["pass"] > 1:
                break
            phases.add(saved.state["phase"])
            progress = work.batch(tx, saved.state, 1)
            jobs.save(tx, f"erase {erasure}", progress.state)
        hub.report(late, f"KASITHBK:777888{number:04}", description=f"late, it uses {HIDDEN['as entities']} - they say")
        number += 1
    assert phases == {"parts", "index", "rows"}
    action.finish(hub.hub)
    late_texts = [text for text in texts(hub) if text.startswith("late")]
    assert len(late_texts) == number
    assert set(late_texts) == {"late, it uses [erased] - they say"}


def test_merged_stretches_have_the_same_keys(hub: ErasingHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_keys, "ROWS", 4)
    contribute_at_random(hub, 1)
    with hub.store.read() as tx:
        before = list(all_keys(tx))
    assert indexing.merge(hub.store, idle_since=now()) > 0
    assert indexing.merge(hub.store, idle_since=0) == 0
    with hub.store.read() as tx:
        after = list(all_keys(tx))
    assert len(after) < len(before)
    for log_ in {log_ for log_, _ in before}:
        assert union(before, log_) == union(after, log_)
    hub.erase(VALUE)
    assert [text for text in texts(hub) if SPELLED[1] in text] == []


def union(keys: list[tuple[int, set[bytes]]], of_log: int) -> set[bytes]:
    return {key for log_, some in keys if log_ == of_log for key in some}


def test_value_that_begins_with_a_thai_letter_is_looked_for_in_all_rows(hub: ErasingHub) -> None:
    first = hub.join("First")
    domain = "xn--12c1bik6bbd8ab6hd1b5jc6jta.com"
    hub.report(first, domain, kind="domain")
    thai = domain.encode().decode("idna")
    assert spellings.of([("domain", domain)]).beginnings is None
    hub.report(first, "bad-shop.example.net", kind="domain", description=f"sends people to {thai} now")
    hub.erase(domain, "domain")
    assert [text for text in texts(hub) if text.startswith("sends")] == ["sends people to [erased] now"]


@pytest.mark.parametrize("number", [b"1", b"1e400"])
@pytest.mark.parametrize("depth", [10, 400, 480, 2_000])
def test_texts_of_objects_that_are_hard_to_read_have_keys(depth: int, number: bytes) -> None:
    text = f"paid to {NUMBER}"
    nested = b'{"b":[' * depth + msgspec.json.encode(text) + b"]}" * depth
    body = b'{"type":"tool","x_a":' + nested + b',"x_b":' + number + b"}"
    words = Words.none()
    words.add(body, None, is_of_value=False)
    found = {begin for text in words.texts for begin in beginnings.of_text(text)}
    assert beginnings.of_text(text) <= found

"""The rows of uploads are contributed in the name of the person who sent them, one upload independently of another."""

from dataclasses import replace
from io import BytesIO

import pytest
from msgspec import DecodeError
from sqlalchemy import update

from feeds.mapping.preview import preview
from schemas.partner import Partner
from server.features.uploads import drafts, rows
from server.features.uploads.drafts import State, Upload, UploadSettings
from server.features.uploads.job import UploadSendingThread
from server.features.uploads.options import options_of
from server.features.uploads.rows import RowBlock
from server.features.uploads.sending import UploadSender
from server.features.uploads.tables import upload_rows
from server.operations.operation import Actor
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store, collections, held_ends, partners
from tests.times import text_ago

HOLDER = "worker"


@pytest.fixture(autouse=True)
def _may_contribute(store: Store, bank: Partner) -> None:
    with store.begin() as tx:
        collections.grant(tx, bank.name, collections.get(tx, "inbox"), write=True)


def sent(store: Store, partner: str, text: str, person: str = "Somchai") -> Upload:
    """Store a file whose rows a person sent, leased to a worker."""
    with store.begin() as tx:
        id_ = drafts.add(tx, partner, Actor(person, "partner-writer", partner), "a.csv", len(text), UploadSettings())
        options = options_of(drafts.find(tx, id_), partners.get(tx, partner), "")
        found = [rows.draft(row) for row in preview(BytesIO(text.encode()), "a.csv", options)]
        rows.add(tx, id_, 1, [RowBlock(number, block) for number, block in enumerate(rows.in_blocks(found))])
        report = drafts.UploadReport(counts=dict(rows.counts_of(found)))
        drafts.change(tx, id_, state=State.SENDING, has_file=False, reading=1, report=report, holder=HOLDER)
        return drafts.find(tx, id_)


def finish(hub: Hub, upload: Upload, settings: Settings | None = None) -> None:
    sender = UploadSender(hub, upload, settings or Settings())
    while sender.send_some():
        pass


def state(store: Store, upload: Upload) -> Upload:
    with store.read() as tx:
        return drafts.find(tx, upload.id)


def test_ends_of_an_upload_wait_for_another_person_than_its_sender(store: Store, bank: Partner) -> None:
    values = [f"ended-{number}.example.com" for number in range(3)]
    head = "domain,tlp,reported_at\n"
    before, later = text_ago(days=62), text_ago(days=61)
    finish(Hub(store), sent(store, bank.name, head + "".join(f"{v},green,{before}\n" for v in values)))
    narrower = head + "".join(f"{v},amber+strict,{later}\n" for v in values)
    finish(replace(Hub(store), ends_per_day=1), sent(store, bank.name, narrower))
    with store.read() as tx:
        waiting = held_ends.waiting(tx, [bank.name])
    assert [found.end.sent_by for found in waiting] == ["Somchai"] * 2


def test_failing_upload_delays_no_other(store: Store, bank: Partner, other: Partner) -> None:
    with store.begin() as tx:
        collections.grant(tx, other.name, collections.get(tx, "inbox"), write=True)
    broken = sent(store, bank.name, "domain\nbroken.example.com\n")
    whole = sent(store, other.name, "domain\nwhole.example.com\n")
    with store.begin() as tx:
        tx.execute(update(upload_rows).where(upload_rows.c.upload == broken.id).values(body=b"{"))
    thread = UploadSendingThread(Hub(store), Settings())
    with pytest.raises(DecodeError):
        thread.step()
    thread.step()
    assert state(store, whole).state is State.SENT
    assert state(store, broken).state is State.SENDING


def test_upload_that_is_discarded_does_not_wait_for_its_quota(store: Store, bank: Partner) -> None:
    upload = sent(store, bank.name, "domain\ndiscarded.example.com\n")
    with store.begin() as tx:
        drafts.change(tx, upload.id, state=State.GONE)
    finish(Hub(store), upload, Settings(quota_objects_per_day=1))


def test_worker_that_lost_its_lease_leaves_the_upload_to_the_next(store: Store, bank: Partner) -> None:
    upload = sent(store, bank.name, "domain\ntaken-over.example.com\n")
    with store.begin() as tx:
        drafts.change(tx, upload.id, holder="another worker")
    finish(Hub(store), upload, Settings(quota_objects_per_day=1))
    assert not state(store, upload).report.waits


def test_upload_that_waits_for_its_quota_does_not_expire(store: Store, bank: Partner) -> None:
    upload = sent(store, bank.name, "value,kind\nshop-one.com,domain\n")
    with store.begin() as tx:
        drafts.change(tx, upload.id, expires=1)
        assert drafts.expire(tx) == 0
        upload = drafts.find(tx, upload.id)
    finish(Hub(store), upload)
    with store.begin() as tx:
        assert drafts.expire(tx) == 0
        assert drafts.find(tx, upload.id).state is State.SENT
        drafts.change(tx, upload.id, expires=1)
        assert drafts.expire(tx) == 1

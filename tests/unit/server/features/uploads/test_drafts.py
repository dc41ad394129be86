"""Workers take uploads by turns of the partners, small files apart, and each upload only once."""

from schemas.partner import Partner
from server.features.incidents.operations import SelectReports
from server.features.incidents.selection import Chosen
from server.features.uploads import drafts
from server.features.uploads.drafts import State, UploadSettings
from server.features.uploads.job import SMALL
from server.operations.operation import Actor
from server.operations.rights import PARTNER_ADMINS
from server.release.hub import Hub
from server.store import Store, collections
from tests.unit.server.features.uploads.test_sending import finish, sent

WAITING = [State.WAITING]


def waiting(store: Store, partner: Partner, size: int = SMALL) -> str:
    with store.begin() as tx:
        id_ = drafts.add(tx, partner.name, Actor("Somchai", "partner-writer"), "a.csv", size, UploadSettings())
        drafts.change(tx, id_, state=State.WAITING)
    return id_


def claimed(store: Store, holder: str, most_bytes: int | None = None) -> str | None:
    with store.begin() as tx:
        upload = drafts.claim(tx, WAITING, holder, most_bytes=most_bytes)
    return None if upload is None else upload.id


def test_small_file_of_another_partner_does_not_wait_for_many_files_of_one(
    store: Store, bank: Partner, other: Partner
) -> None:
    many = [waiting(store, bank) for _ in range(5)]
    small = waiting(store, other)
    assert (claimed(store, "first"), claimed(store, "second"), claimed(store, "third")) == (many[0], small, None)


def test_reader_of_small_files_leaves_large_ones(store: Store, bank: Partner, other: Partner) -> None:
    large, small = waiting(store, bank, SMALL + 1), waiting(store, other)
    with store.read() as tx:
        assert drafts.has_work(tx, WAITING, SMALL)
    assert (claimed(store, "first", SMALL), claimed(store, "second", SMALL)) == (small, None)
    with store.read() as tx:
        assert not drafts.has_work(tx, WAITING, SMALL)
    assert claimed(store, "third") == large


def test_worker_that_lost_its_lease_changes_nothing(store: Store, bank: Partner) -> None:
    id_ = waiting(store, bank)
    with store.begin() as tx:
        lost = drafts.claim(tx, WAITING, "lost")
        assert lost is not None
        drafts.change(tx, id_, lease=0)
        assert drafts.claim(tx, WAITING, "next") is not None
        assert not drafts.renew(tx, lost, state=State.FAILED)
        assert drafts.find(tx, id_).state is State.WAITING


def test_bytes_and_rows_of_a_discarded_upload_are_removed(store: Store, bank: Partner) -> None:
    id_ = waiting(store, bank)
    with store.begin() as tx:
        drafts.add_piece(tx, id_, 0, b"bytes")
        drafts.change(tx, id_, state=State.GONE, has_file=False)
    for removed in (1, 1, 0):
        with store.begin() as tx:
            assert drafts.sweep(tx) == removed
    with store.read() as tx:
        assert (drafts.piece(tx, id_, 0), drafts.of_partner(tx, bank.name)) == (None, [])


def test_reports_of_an_upload_are_selected_by_its_id(store: Store, bank: Partner, other: Partner) -> None:
    with store.begin() as tx:
        collections.grant(tx, bank.name, collections.get(tx, "inbox"), write=True)
    hub = Hub(store)
    wrong, right = (sent(store, bank.name, f"domain\n{name}.example.com\n") for name in ("wrong", "right"))
    finish(hub, wrong)
    finish(hub, right)
    actor = Actor("Somchai", next(iter(PARTNER_ADMINS)), bank.name)
    found = SelectReports.read(hub, actor, Chosen(file=wrong.id), "the wrong file was sent").found
    assert [report.subject for report in found.reports] == ["domain:wrong.example.com"]

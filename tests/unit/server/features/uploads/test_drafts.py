"""Workers take uploads by turns of the partners, small files apart, and each upload only once."""

import pytest

from feeds.mapping.preview import RowReader
from schemas.errors import Rejected
from schemas.partner import Partner
from server.features.incidents.operations import SelectReports
from server.features.incidents.selection import Chosen
from server.features.uploads import drafts
from server.features.uploads.drafts import State, UploadChanged, UploadSettings
from server.features.uploads.job import SMALL
from server.features.uploads.operations import MOST_COLUMNS, LeaveOutRows, SetUpload
from server.features.uploads.options import options_of
from server.features.uploads.rows import RowPlace
from server.operations.operation import Actor
from server.operations.rights import PARTNER_ADMINS, PARTNER_WRITERS
from server.operations.run import run
from server.release.hub import Hub
from server.store import Store, collections, partners
from tests.unit.server.features.uploads.test_sending import finish, sent

WAITING = [State.WAITING]
PERSON = Actor("Somchai", next(iter(PARTNER_WRITERS)), "Example Bank")


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


def test_settings_name_a_bounded_number_of_columns(store: Store, bank: Partner) -> None:
    with store.begin() as tx:
        id_ = drafts.add(tx, bank.name, PERSON, "a.csv", 9, UploadSettings())
        drafts.change(tx, id_, state=State.READY)

    def name(*numbers: int) -> None:
        columns = {f"column {number}": "bank" for number in numbers}
        run(Hub(store), SetUpload(partner=bank, id=id_, settings=UploadSettings(columns=columns)), PERSON)
        with store.begin() as tx:
            drafts.change(tx, id_, state=State.READY)

    name(*range(MOST_COLUMNS))
    with pytest.raises(Rejected, match="name the others in the file itself"):
        name(MOST_COLUMNS)
    name(0)


def test_rows_of_one_block_are_left_out_together(store: Store, bank: Partner) -> None:
    text = "value,kind\n" + "".join(f"shop-{number}.example.com,domain\n" for number in range(120))
    upload = sent(store, bank.name, text)
    with store.begin() as tx:
        drafts.change(tx, upload.id, state=State.READY, holder="")
        reader = RowReader(options_of(upload, partners.get(tx, bank.name), ""))
    places = (RowPlace(1, 49), RowPlace(0, 3), RowPlace(0, 0), RowPlace(0, 3))

    def leave_out(*places: RowPlace, takes_in: bool = False) -> dict[str, int]:
        given = {"partner": bank, "id": upload.id, "places": places, "takes_in": takes_in, "reader": reader}
        return run(Hub(store), LeaveOutRows(**given), PERSON).report.counts

    assert leave_out(*places) == {"ready": 117, "left-out": 3}
    assert leave_out(*places[1:], takes_in=True) == {"ready": 119, "left-out": 1}
    for wrong in (RowPlace(0, 50), RowPlace(0, -1), RowPlace(9, 0)):
        with pytest.raises(UploadChanged):
            leave_out(RowPlace(0, 1), wrong)
    with store.read() as tx:
        assert drafts.find(tx, upload.id).report.counts == {"ready": 119, "left-out": 1}

"""Evidence pages: a partner has its own files and those handed over to it; operators hand over and export."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.features.evidence import desk, files
from server.features.evidence.operations import AddEvidence, add_file
from server.features.evidence.place import evidence_place
from server.operations.operation import Actor
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store, partners
from server.store.operators.users import OperatorRole, PartnerRole
from tests.browser.hub import report
from tests.initial_stores import initial_url, make_signing_key
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

SLIP = b"%PDF-1.7\na slip of a transfer"
HASH = hashlib.sha256(SLIP).hexdigest()
OWN, GET, ALL = "/partner/evidence", "/partner/evidence/file", "/console/evidence"


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "key").chmod(0o600)
    return Settings(
        database_url=initial_url(request, tmp_path),
        signing_key_file=make_signing_key(tmp_path),
        access_log="off",
        background=False,
        evidence_store=str(tmp_path / "files"),
        evidence_key_file=tmp_path / "key",
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    store: Store = made.extensions["scamfeed-store"]
    with store.begin() as tx:
        for name in ("First Bank", "Second Bank"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name)))
    yield made
    close(made)


@pytest.fixture
def store(app: Flask) -> Store:
    found: Store = app.extensions["scamfeed-store"]
    return found


@pytest.fixture
def about(store: Store, settings: Settings) -> str:
    """Return the id of a report of First Bank with a stored file."""
    id_ = report(store, "First Bank", "parcel-refund.example.com")
    found = desk.measured(io.BytesIO(SLIP), 1_000)
    operation = AddEvidence(object_id=id_, partner="First Bank", file=found, stored_limit=10_000)
    add_file(Hub(store), operation, io.BytesIO(SLIP), evidence_place(settings), Actor.system("Anna"))
    return id_


def test_inaccessible_file_looks_absent(app: Flask, about: str) -> None:
    stranger = visitor_of(app, PartnerRole.ADMIN, "Second Bank")
    assert HASH not in stranger.get(OWN).text
    hidden, absent = (stranger.send(GET, OWN, sha256=sha256) for sha256 in (HASH, "cd" * 32))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text == absent.text
    owner = visitor_of(app, PartnerRole.READER, "First Bank")
    assert "parcel-refund.example.com" in owner.get(OWN).text
    assert owner.send(GET, OWN, sha256=HASH).data == SLIP
    assert "Given out" in owner.get(OWN).text


@pytest.mark.parametrize("settings", ["sqlite", "postgresql"], indirect=True)
def test_hand_over_and_its_revocation_are_in_the_custody(app: Flask, store: Store, about: str) -> None:
    approver = visitor_of(app, OperatorRole.APPROVER)
    given = {"object": about, "partner": "Second Bank"}
    assert approver.send(f"{ALL}/bag", f"{ALL}?object={about}", **given).status_code == 404
    page = approver.send(f"{ALL}/hand-over", f"{ALL}?object={about}", **given).headers["Location"]
    shown = approver.get(page).text
    assert "Second Bank" in shown
    assert approver.name in shown
    member = visitor_of(app, PartnerRole.READER, "Second Bank")
    assert "handed over to us" in member.get(OWN).text
    # The value is the other partner's report: its id is all that a member needs.
    assert about in member.get(OWN).text
    assert "parcel-refund" not in member.get(OWN).text
    assert "Anna" not in member.get(OWN).text
    assert member.send(GET, OWN, sha256=HASH).data == SLIP
    bag = approver.send(f"{ALL}/bag", f"{ALL}?object={about}", **given)
    names = {name.partition("/")[2] for name in zipfile.ZipFile(io.BytesIO(bag.data)).namelist()}
    assert {f"data/{HASH}.pdf", "custody.json", "object.json", "manifest-sha256.txt"} <= names
    approver.send(f"{ALL}/take-back", f"{ALL}?object={about}", **given)
    assert member.send(GET, OWN, sha256=HASH).status_code == 404
    with store.read() as tx:
        [file] = files.all_files(tx)
        done = [entry.action for entry in files.custody(tx, file.id)]
    assert done == ["added", "stored", "handed-over", "given", "exported", "taken-back"]
    assert "HANDED-OVER" in approver.get("/console/audit?route=evidence").text


def test_operator_page_reports_missing_evidence(app: Flask, about: str) -> None:
    approver = visitor_of(app, OperatorRole.APPROVER)
    assert HASH in approver.get(ALL).text
    assert ">parcel-refund.example.com</a>" in approver.get(ALL).text
    for asked in ("object=indicator--1", f"object={about}&whose=Nobody", f"object={about}&whose=Second+Bank"):
        assert approver.get(f"{ALL}?{asked}").status_code == 404, asked
    unknown = approver.send(f"{ALL}/hand-over", ALL, object=about, partner="Nobody")
    assert "There is no partner of this name." in unknown.text
    assert approver.get(f"{ALL}?after=x").status_code == approver.get(f"{ALL}?after=1~x").status_code == 200


def test_partner_adds_a_file_to_its_own_report_by_value_or_id(app: Flask, store: Store) -> None:
    id_ = report(store, "First Bank", "parcel-refund.example.com")
    writer, stranger = (visitor_of(app, PartnerRole.WRITER, name) for name in ("First Bank", "Second Bank"))

    def add(visitor: Visitor, of: str, content: bytes = SLIP) -> TestResponse:
        token = token_of(visitor.get(OWN).text)
        file = (io.BytesIO(content), "slip.pdf")
        return visitor.client.post(f"{OWN}/add", data={"token": token, "object": of, "file": file})

    for of, content in (("hxxp://parcel-refund[.]example[.]com", SLIP), (id_, SLIP + b"2")):
        added = add(writer, of, content)
        assert (added.status_code, added.headers["Location"]) == (
            303,
            f"{OWN}?added={hashlib.sha256(content).hexdigest()}",
        )
    assert writer.send(GET, OWN, sha256=HASH).data == SLIP
    hidden, absent = (add(stranger, of) for of in (id_, id_[:-12] + "0" * 12))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text.replace(id_, "") == absent.text.replace(id_[:-12] + "0" * 12, "")
    for of, content in (("parcel-refund.example.com", b""), ("unknown.example.com", SLIP), ("", SLIP)):
        refused = add(writer, of, content)
        assert refused.status_code == 422
        assert f'value="{of}"' in refused.text
    reader = visitor_of(app, PartnerRole.READER, "First Bank")
    assert 'type="file"' not in reader.get(OWN).text
    assert add(reader, id_).status_code == 403

"""A file from the form to the inbox: columns, corrections, sending, results, and what other partners see of it."""

import csv
import io
from pathlib import Path

import pytest

from feeds.mapping.preview import READY, REFUSED
from schemas.errors import Rejected
from server.features.erasures import job, plan
from server.features.incidents.operations import SelectReports
from server.features.incidents.selection import Chosen
from server.features.uploads import drafts
from server.features.uploads.drafts import State
from server.operations.operation import Actor
from server.operations.rights import PARTNER_ADMINS
from server.release.hub import Hub
from server.store import audit, collections, erased, log
from server.store.operators.users import PartnerRole
from tests.integration.uploads.conftest import BANK, OTHER, PATH, Person, UploadHub, new_store, serving
from tests.times import ago

EARLIER, LATER = ago(days=27), ago(days=26)
ROWS = (
    f"domain,Zylophon,date\nparcel-one.example.com,KBANK,{EARLIER:%d/%m/%Y}\nparcel-two.example.com,SCB,{LATER:%d/%m/%Y}\n"
    f"not a domain,SCB,{LATER:%d/%m/%Y}\nparcel-one.example.com,KBANK,{EARLIER:%d/%m/%Y}\n"
)


def _reported(person: Person) -> int:
    """Return the number of reports in the inbox of the hub."""
    with person.store.read() as tx:
        return len(log.latest_of_type(tx, collections.get(tx, collections.INBOX), "indicator", 100_000))


@pytest.mark.long
def test_unknown_column_is_named_once_and_remembered(hub: UploadHub) -> None:
    person = hub.person()
    upload = person.read("first.csv", ROWS)
    page = person.get(f"{PATH}/{upload.id}").text
    assert "Zylophon" in page
    answer = person.post(
        f"{PATH}/{upload.id}/settings",
        data={"column": "Zylophon", "field": "reference", "country": "TH", "date_order": "day-first"},
    )
    assert answer.status_code == 303, answer.text
    again = person.wait(upload.id, State.READY)
    assert [row.fields.get("reference") for row in person.rows(again)][:2] == ["KBANK", "SCB"]
    assert person.rows(again)[0].fields["reported_at"].startswith(f"{EARLIER:%Y-%m-%d}")
    second = hub.person().read("second.csv", ROWS)
    assert person.rows(second)[0].fields.get("reference") == "KBANK"
    assert second.report.remembered == {"Zylophon": "reference"}
    assert "Zylophon" in person.get(f"{PATH}/{second.id}").text
    # Another partner's choice does not apply.
    others = hub.person(OTHER).read("others.csv", ROWS)
    assert "reference" not in person.rows(others)[0].fields
    assert person.post(f"{PATH}/columns/forget", data={"heading": "zylophon"}).status_code == 303
    third = person.read("third.csv", ROWS)
    assert "reference" not in person.rows(third)[0].fields


@pytest.mark.long
def test_amount_and_date_of_a_payment_are_read_shown_and_sent(hub: UploadHub) -> None:
    person = hub.person()
    paid_on = f"{EARLIER:%Y-%m-%d}"
    rows = f'เลขบัญชี,ธนาคาร,Sum total,วันที่โอน\n123-4-56780-1,KBANK,"1,534.50",{paid_on}\n123-4-56780-2,KBANK,much,\n'
    upload = person.read("payments.csv", rows)
    named = {"column": "Sum total", "field": "paid_amount", "country": "TH"}
    assert person.post(f"{PATH}/{upload.id}/settings", data=named).status_code == 303
    upload = person.wait(upload.id, State.READY)
    [first, second] = person.rows(upload)
    assert (first.fields["paid_amount"], first.fields["first_seen"][:10]) == ("1,534.50", paid_on)
    assert (second.state, "give the amount in digits" in second.message) == (REFUSED, True)
    assert "1,534.50" in person.get(f"{PATH}/{upload.id}").text
    person.send(upload)
    with person.store.read() as tx:
        stored = log.latest_of_type(tx, collections.get(tx, collections.INBOX), "indicator", 100_000)
        bodies = [item.body for item in log.latest(tx, collections.get(tx, collections.INBOX), stored).values()]
    assert sum(b'"paid":{"amount":"1500","currency":"THB"}' in body.replace(b" ", b"") for body in bodies) == 1
    person.post(f"{PATH}/columns/forget", data={"heading": "sumtotal"})


def test_rows_are_corrected_left_out_and_sent_once(hub: UploadHub) -> None:
    person = hub.person()
    text = ROWS.replace("parcel", "sent").replace("Zylophon", "reference")
    upload = person.read("rows.csv", text, date_order="day-first")
    assert upload.report.counts == {"ready": 2, "refused": 1, "duplicate": 1}
    path = f"{PATH}/{upload.id}"
    refused = person.post(f"{path}/row/0-2", data={"cell-value": "still not one", "cell-kind": "domain"})
    assert refused.status_code == 422
    assert "still not one" in refused.text
    fixed = person.post(f"{path}/row/0-2", data={"cell-value": "sent-three.example.com", "cell-kind": "domain"})
    assert fixed.status_code == 303, fixed.text
    assert person.post(f"{path}/leave-out", data={"id": "0-0", "act": "leave-out"}).status_code == 303
    # A new reading keeps both.
    person.post(f"{path}/settings", data={"country": "TH", "scam_type": "merchandise", "date_order": "day-first"})
    upload = person.wait(upload.id, State.READY)
    assert [row.state for row in person.rows(upload)][:3] == ["left-out", READY, READY]
    assert person.rows(upload)[2].corrected
    before = _reported(person)
    sent = person.send(upload)
    # The duplicate of the row that was left out is sent in its place.
    assert sent.report.counts == {"left-out": 1, "published": 3}, person.rows(sent)
    assert _reported(person) == before + 3
    assert person.post(f"{path}/send").status_code == 409
    page = person.get(path).text
    assert "Released" in page
    with hub.store.read() as tx:
        verbs = [f"{entry.event.method} {entry.event.route}" for entry in audit.tail(tx, 1_000)]
    for verb in ("ADD upload", "CORRECT upload", "LEAVE-OUT upload", "SET upload", "SEND upload", "CONTRIBUTE objects"):
        assert verb in verbs


@pytest.mark.long
def test_refused_rows_are_a_harmless_csv(hub: UploadHub) -> None:
    person = hub.person()
    upload = person.read("formula.csv", 'domain,description\n"=cmd()|x",words\nfine.example.com,words\n')
    answer = person.get(f"{PATH}/{upload.id}/refused.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="refused.csv"'
    [head, line] = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    found = dict(zip(head, line, strict=True))
    assert (found["line"], found["state"]) == ("2", REFUSED)
    assert found["value"].startswith(" =cmd()")
    assert found["message"]


@pytest.mark.long
def test_rows_that_the_guard_holds_are_counted_with_the_reason(hub: UploadHub) -> None:
    person = hub.person()
    upload = person.read("held.csv", "domain\ngoogle.com\nheld-beside.example.com\n")
    sent = person.send(upload)
    assert sent.report.counts.get("published") == 1
    assert sum(sent.report.counts.get(state, 0) for state in ("held", "kept", "refused")) == 1
    assert sum(sum(found.values()) for found in sent.report.reasons.values()) == 1
    assert "google.com" in person.get(f"{PATH}/{upload.id}?only=held").text or sent.report.counts.get(REFUSED)


def test_personal_data_is_refused_as_by_the_command(hub: UploadHub) -> None:
    person = hub.person()
    words = "The victim Jane Smith of +66 81 234 5678 with ID 1-1017-00207-36-6 paid"
    text = f"domain,description\nwords.example.com,{words}\n"
    [row] = person.rows(person.read("words.csv", text))
    assert row.state == REFUSED or "description" not in row.fields


def test_upload_of_another_partner_is_as_absent(hub: UploadHub) -> None:
    owner, other = hub.person(), hub.person(OTHER)
    upload = owner.read("mine.csv", "domain\nmine.example.com\n")
    for path in ("", "/row/0-0", "/refused.csv"):
        hidden = other.get(f"{PATH}/{upload.id}{path}")
        absent = other.get(f"{PATH}/{'x' * len(upload.id)}{path}")
        assert hidden.status_code == absent.status_code == 404
        assert _plain(hidden.text, upload.id) == _plain(absent.text, "x" * len(upload.id))
    for path in ("settings", "row/0-0", "leave-out", "send", "discard"):
        data = {"id": "0-0", "country": "TH"}
        hidden, absent = (other.post(f"{PATH}/{id_}/{path}", data=data) for id_ in (upload.id, "x" * len(upload.id)))
        assert hidden.status_code == absent.status_code == 404, path
    with hub.store.read() as tx:
        assert drafts.find(tx, upload.id).state is State.READY
    assert "mine.csv" not in other.get(PATH).text


def _plain(text: str, id_: str) -> str:
    return text.replace(id_, "ID")


def test_readers_may_not_upload(hub: UploadHub) -> None:
    reader = hub.person(role=PartnerRole.READER)
    assert reader.get(PATH).status_code == 403


def test_erasure_removes_files_and_the_value_in_rows(hub: UploadHub) -> None:
    person = hub.person()
    upload = person.read("erased.csv", "domain\ngone-for-good.example.com\nstays-here.example.com\n")
    with hub.store.begin() as tx:
        assert drafts.piece(tx, upload.id, 0) is not None
    with hub.store.begin() as tx:
        made = plan.of(tx, ["domain:gone-for-good.example.com"])
        record = erased.begin(tx, made.kinds, "a reason", "somebody", "another")
        job.begin(tx, record.id, made.traces)
    for _ in job.run(Hub(hub.store), record.id):
        pass
    with hub.store.read() as tx:
        assert drafts.piece(tx, upload.id, 0) is None
    texts = [row.value for row in person.rows(upload)]
    assert "stays-here.example.com" in texts
    assert "gone-for-good" not in str(person.rows(upload))
    assert person.get(f"{PATH}/{upload.id}").status_code == 200


@pytest.mark.long
def test_rest_of_a_daily_quota_is_used_before_sending_waits(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    values = "".join(f"quota-{number}.example.com\n" for number in range(400))
    with serving(tmp_path, store, quota_objects_per_day="500") as hub:
        person = hub.person()
        upload = person.read("many.csv", f"domain\n{values}")
        assert person.post(f"{PATH}/{upload.id}/send").status_code == 303
        while not (upload := person.wait(upload.id, State.SENDING)).report.waits:
            assert upload.done < 8
        assert upload.done > 0
        assert _reported(person) == upload.done * 50
    store.close()


@pytest.mark.long
def test_reports_of_the_wrong_file_are_selected_by_its_id_alone(hub: UploadHub) -> None:
    person, other = hub.person(), hub.person(OTHER)
    rows = "".join(f"wrong-file-{number}.example.com\n" for number in range(120))
    wrong = person.send(person.read("wrong.csv", f"domain\n{rows}"))
    person.send(person.read("right.csv", "domain\nright-file.example.com\n"))
    other.send(other.read("same.csv", "domain\nwrong-file-7.example.com\n"))
    assert f"/partner/incidents/new?file={wrong.id}" in person.get(f"{PATH}/{wrong.id}").text
    assert f'value="{wrong.id}"' in person.get(f"/partner/incidents/new?file={wrong.id}").text
    own_hub = Hub(hub.store)
    actors = [Actor("Somebody", next(iter(PARTNER_ADMINS)), name) for name in (BANK, OTHER)]
    found = SelectReports.read(own_hub, actors[0], Chosen(file=wrong.id), "the wrong file was sent").found
    assert {report.subject for report in found.reports} == {
        f"domain:wrong-file-{number}.example.com" for number in range(120)
    }
    assert found.partners == {BANK: 120}
    with pytest.raises(Rejected, match="no active report"):
        SelectReports.read(own_hub, actors[1], Chosen(file=wrong.id), "the file of another partner")

"""Changes of access to evidence and downloads leave one entry each."""

from collections.abc import Callable, Sequence
from typing import Any

from schemas import timestamp
from schemas.request import Request
from server.features.evidence.desk import UnknownEvidence
from server.features.evidence.operations import GiveEvidence, HandOverEvidence, TakeBackEvidence
from server.features.requests import desk as requests_desk
from server.operations.operation import Actor
from server.operations.run import run
from server.release.hub import Hub
from server.store import partners
from server.store.audit import AuditEvent
from tests import operators_desk as desk
from tests.contract.operations import examples_of_proofs

PERSON = Actor.system("Malee K.")
EventsBy = Callable[[str], list[AuditEvent]]


def test_access_to_a_report_without_files_is_audited_once(hub: Hub, events_by: EventsBy) -> None:
    id_ = examples_of_proofs.report_id(hub)
    for _ in range(2):
        access = run(hub, HandOverEvidence(object_id=id_, to=desk.DOUBTER), PERSON)
        assert access.members == [desk.DOUBTER]
    [event] = events_by(PERSON.name)
    assert (event.method, event.partner, event.reference) == ("HANDED-OVER", desk.DOUBTER, id_)


def test_ended_access_is_audited_for_each_file(hub: Hub, events_by: EventsBy) -> None:
    id_ = examples_of_proofs.stored_evidence(hub)
    run(hub, HandOverEvidence(object_id=id_, to=desk.DOUBTER), PERSON)
    assert run(hub, TakeBackEvidence(object_id=id_, to=desk.DOUBTER), PERSON).members == []
    assert not run(hub, TakeBackEvidence(object_id=id_, to=desk.DOUBTER), PERSON).is_changed
    found = sorted((event.method, event.reference) for event in events_by(PERSON.name))
    assert found == [("HANDED-OVER", examples_of_proofs.FILE.sha256), ("TAKEN-BACK", examples_of_proofs.FILE.sha256)]


def test_repeated_download_within_an_hour_has_one_entry(hub: Hub, events_by: EventsBy) -> None:
    examples_of_proofs.stored_evidence(hub)
    for _ in range(3):
        run(hub, GiveEvidence(sha256=examples_of_proofs.FILE.sha256, to=desk.REPORTER), PERSON)
    assert [event.method for event in events_by(PERSON.name)] == ["GIVEN"]


def ask(hub: Hub, sender: str, addressee: str, evidence: Sequence[str] = (examples_of_proofs.FILE.sha256,)) -> str:
    given: dict[str, Any] = {
        "reporter": sender,
        "reported_at": timestamp.now(),
        "asks": "take-down",
        "of": "domain:evidence.example.net",
        "location": "evidence.example.net",
        "basis": "notice",
        "reference": f"T-{sender}-{addressee}",
        "explanation": ["obtains-money"],
        "addressee": addressee,
        "evidence": [{"sha256": sha256} for sha256 in evidence],
    }
    with hub.store.begin() as tx:
        request = Request.model_validate(given)
        return requests_desk.send(hub, tx, partners.get(tx, sender), request).view.id


def fetch(hub: Hub, to: str, request: str) -> str:
    try:
        return run(hub, GiveEvidence(sha256=examples_of_proofs.FILE.sha256, to=to, request=request), PERSON).file.sha256
    except UnknownEvidence as error:
        return str(error)


def test_addressee_of_a_takedown_request_gets_what_its_sender_attached(hub: Hub, events_by: EventsBy) -> None:
    examples_of_proofs.stored_evidence(hub)
    host = desk.DOUBTER
    asked = ask(hub, desk.REPORTER, host)
    for _ in range(2):
        assert fetch(hub, host, asked) == examples_of_proofs.FILE.sha256
    [event] = [event for event in events_by(PERSON.name) if event.method == "GIVEN"]
    assert (event.partner, event.reference) == (host, examples_of_proofs.FILE.sha256)
    hidden = {
        "absent": fetch(hub, host, "00000000-0000-4000-8000-000000000000"),
        "of another addressee": fetch(hub, desk.SENDER, asked).replace(desk.SENDER, host),
        "of the sender itself": fetch(hub, desk.REPORTER, asked).replace(desk.REPORTER, host),
        "not attached": fetch(hub, host, ask(hub, desk.REPORTER, host, [])),
        # The sender names the hash of somebody else's file.
        "not its own": fetch(hub, host, ask(hub, desk.SENDER, host)),
    }
    with hub.store.begin() as tx:
        requests_desk.take_steps(hub, tx, partners.get(tx, desk.REPORTER), [asked], state="closed")
    hidden["closed"] = fetch(hub, host, asked)
    assert len(set(hidden.values())) == 1, hidden

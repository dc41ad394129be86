"""A partner selects and decides on its own reports by JSON; it can neither see nor change those of others."""

import json
from typing import Any

import pytest

from server.features.incidents import carrying_out, records
from server.features.incidents.operations import ConfirmIncident, RejectIncident
from server.features.incidents.views import receipts_of
from server.features.proposals.operations import ConfirmProposal
from server.operations.dual_control import NotAllowed
from server.operations.operation import Actor
from server.operations.rights import PARTNER_ADMINS
from server.operations.run import run
from server.release.hub import Hub
from server.store import collections, read_progress
from server.store.database.times import now
from tests.integration.api.conftest import ApiHub

_PATH = "/api/incidents"
_ABSENT = f"{_PATH}/0123456789"


@pytest.fixture(autouse=True)
def reported(hub: ApiHub) -> None:
    hub.report("bank", "one.example.com", "domain")
    hub.report("bank", "two.example.com", "domain")
    hub.report("reader", "three.example.com", "domain")


def ask(hub: ApiHub, method: str, path: str, by: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    status, _, answer = hub.ask(method, path, by, b"" if body is None else json.dumps(body).encode())
    return status, json.loads(answer)


def selected(hub: ApiHub, by: str = "bank", **conditions: Any) -> dict[str, Any]:
    status, found = ask(hub, "POST", _PATH, by, {"reason": "old file", **conditions})
    assert status == 201, found
    return found


def confirmed(hub: ApiHub, found: dict[str, Any]) -> None:
    """Let an operator confirm the proposal, and carry it out."""
    run(Hub(hub.store), ConfirmProposal(id=found["proposal"]), Actor.system("Operator"))
    assert carrying_out.resume(Hub(hub.store), idle_since=now() + 1) == 1


def test_own_reports_are_selected_proposed_and_held(hub: ApiHub) -> None:
    found = selected(hub, search="example.com")
    assert (found["reports"], found["kinds"], found["state"]) == (2, {"domain": 2}, "ready")
    assert not {"partners", "collections", "supported", "receipts"} & found.keys()
    path = f"{_PATH}/{found['id']}"
    status, proposed = ask(hub, "POST", path, "bank", {"act": "hold"})
    assert (status, proposed["state"], proposed["proposed"]) == (200, "proposed", "hold")
    confirmed(hub, proposed)
    shown = ask(hub, "GET", path, "bank")[1]
    assert (shown["state"], shown["decisions"][0]["done"]) == ("done", 2)
    assert [row["value"] for row in shown["selected"]] == ["one.example.com", "two.example.com"]
    assert [one["id"] for one in ask(hub, "GET", _PATH, "bank")[1]["incidents"]] == [found["id"]]
    assert hub.look_up({"value": "one.example.com"})[0].get("listings", []) == []


def test_incidents_and_reports_of_others_are_as_if_absent(hub: ApiHub) -> None:
    theirs = selected(hub)
    path = f"{_PATH}/{theirs['id']}"
    for method, body in (("GET", None), ("POST", {"act": "hold"}), ("POST", {"act": "discard"})):
        hidden, absent = (ask(hub, method, where, "reader", body) for where in (path, _ABSENT))
        assert hidden[0] == absent[0] == 404
        assert {**hidden[1], "error_id": ""} == {**absent[1], "error_id": ""}
    assert ask(hub, "GET", _PATH, "reader")[1] == {"incidents": []}
    reported, unreported = (
        ask(hub, "POST", _PATH, "reader", {"reason": "x", "values": [value]})
        for value in ("one.example.com", "nowhere.example.com")
    )
    assert reported[0] == unreported[0] == 422
    assert {**reported[1], "error_id": ""} == {**unreported[1], "error_id": ""}
    assert selected(hub, "reader", search="example.com")["reports"] == 1


def test_a_partner_learns_only_of_listings_that_it_may_read(hub: ApiHub) -> None:
    hidden = selected(hub)
    assert hidden["listed"] == 0
    hub.grant("bank", "takedown")
    assert selected(hub)["listed"] == 2
    assert ask(hub, "GET", f"{_PATH}/{hidden['id']}", "bank")[1]["listed"] == 0
    with hub.store.read() as tx:
        assert {found.summary["listed"] for found in records.all_incidents(tx, owner="bank", limit=9)} == {2}


def test_a_partner_learns_only_of_receipts_for_what_it_may_read(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        read_progress.record_reads(tx, [("reader", takedown.id, takedown.last_added)])
    found = selected(hub)
    path = f"{_PATH}/{found['id']}"
    confirmed(hub, ask(hub, "POST", path, "bank", {"act": "retract"})[1])
    with hub.store.read() as tx:
        [made] = records.all_incidents(tx, owner="bank", limit=9)
        assert sum(row.receipts - row.closed for row in receipts_of(tx, made)) == 2
    assert ask(hub, "GET", path, "bank")[1]["unconfirmed_receipts"] == 0
    hub.grant("bank", "takedown")
    assert ask(hub, "GET", path, "bank")[1]["unconfirmed_receipts"] == 2


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"reason": "x", "kind": "house"}, "kind"),
        ({"reason": "x", "search": "on"}, "search"),
        ({"reason": "x", "since": "yesterday"}, "since"),
        ({"reason": "x", "values": ["one.example.com", "no such value"]}, "number 2"),
        ({"reason": "x", "partner": "reader"}, "not-a-selection"),
        ({"since": "2026-01-01T00:00:00Z"}, "reason"),
    ],
)
def test_wrong_conditions_are_named(hub: ApiHub, body: dict[str, Any], named: str) -> None:
    status, refused = ask(hub, "POST", _PATH, "bank", body)
    assert status == 422
    assert named in json.dumps(refused)


def test_a_pause_needs_a_running_decision(hub: ApiHub) -> None:
    found = selected(hub, kind="domain")
    path = f"{_PATH}/{found['id']}"
    assert ask(hub, "POST", path, "bank", {"act": "pause"})[0] == 409
    assert ask(hub, "POST", path, "bank", {"act": "eat"})[0] == 422
    assert ask(hub, "POST", path, "bank", {"act": "discard"}) == (200, {"id": found["id"], "state": "discarded"})
    assert ask(hub, "GET", path, "bank")[0] == 404


def test_a_partner_confirms_only_the_decision_that_the_person_was_shown(hub: ApiHub) -> None:
    found = selected(hub, kind="domain")
    path = f"{_PATH}/{found['id']}"
    shown, later = (ask(hub, "POST", path, "bank", {"act": act})[1]["proposal"] for act in ("hold", "retract"))
    person = Actor("Second Person", next(iter(PARTNER_ADMINS)), "bank")
    for operation in (ConfirmIncident, RejectIncident):
        with pytest.raises(NotAllowed, match="no longer proposed"):
            run(Hub(hub.store), operation(id=found["id"], proposal=shown), person)
    assert ask(hub, "GET", path, "bank")[1]["proposal"] == later
    confirmed = run(Hub(hub.store), ConfirmIncident(id=found["id"], proposal=later), person)
    assert confirmed.proposal.arguments["decision"] == "retract"


def test_an_open_proposal_of_a_discarded_selection_is_void(hub: ApiHub) -> None:
    found = selected(hub, kind="domain")
    path = f"{_PATH}/{found['id']}"
    proposed = ask(hub, "POST", path, "bank", {"act": "retract"})[1]
    assert ask(hub, "POST", path, "bank", {"act": "discard"})[0] == 200
    done = run(Hub(hub.store), ConfirmProposal(id=proposed["proposal"]), Actor.system("Operator"))
    assert (done.proposal.state, done.done) == ("void", ())

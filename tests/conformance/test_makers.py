"""Exchanges have several writers: each member changes and deletes only its own objects, in its own name."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.store import collections, log, partners
from server.store.item import Item
from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer, indicator, version

LATER = "2026-02-01T00:00:00.000Z"
URL = {
    "type": "url",
    "spec_version": "2.1",
    "id": "url--3cd9f1ff-32e8-5a1c-9bb7-0a4d6d7d7c11",
    "value": "https://x.example",
}


@pytest.fixture
def other(server: Deployment, room: str) -> Peer:
    """Return a second member of the room."""
    with server.database.store.begin() as tx:
        collections.grant(tx, "outsider", collections.get(tx, room.split("/")[1]), read=True, write=True)
    return server.peer("outsider")


@pytest.fixture
def identity(server: Deployment) -> Callable[[str], str]:
    return lambda name: server.database.partners[name]["identity"]


def refusals(status: dict[str, Any]) -> list[str]:
    return [failure["message"].removeprefix("refused: ").partition(":")[0] for failure in status.get("failures", ())]


def test_member_writes_in_its_own_name_only(
    server: Deployment, member: Peer, room: str, identity: Callable[[str], str]
) -> None:
    own, others = identity("member"), identity("outsider")
    named = [indicator(created_by_ref=ref) for ref in (own, others, f"identity--{uuid.uuid4()}", 5, "")]
    persona = {**indicator(), "type": "identity", "id": others, "name": "outsider", "identity_class": "organization"}
    status = member.post(f"{room}objects/", [*named, persona])
    assert [done["id"] for done in status["successes"]] == [named[0]["id"]]
    assert refusals(status) == ["not-yours"] * 5
    assert member.get(f"{room}objects/").ok()["objects"] == [named[0]]


def test_forwarding_member_may_name_non_partners_as_creators(
    server: Deployment, member: Peer, other: Peer, room: str, identity: Callable[[str], str]
) -> None:
    forward(server, "member", True)
    try:
        source = f"identity--{uuid.uuid4()}"
        passed_on = indicator(created_by_ref=source)
        status = member.post(f"{room}objects/", [passed_on, indicator(created_by_ref=identity("outsider"))])
        assert (status["success_count"], refusals(status)) == (1, ["not-yours"])
        assert member.post(f"{room}objects/", [version(passed_on, LATER)])["success_count"] == 1
        forward(server, "outsider", True)
        taken = other.post(f"{room}objects/", [version(passed_on, "2026-03-01T00:00:00.000Z")])
        assert refusals(taken) == ["not-yours"]
        path = f"/feed/{room}objects/{passed_on['id']}/"
        other.send("DELETE", path).refused(403)
        assert member.send("DELETE", path).status == 200
    finally:
        for name in ("member", "outsider"):
            forward(server, name, False)


def forward(server: Deployment, name: str, is_forwarding: bool) -> None:
    with server.database.store.begin() as tx:
        partners.change(tx, partners.get(tx, name).model_copy(update={"forwards": is_forwarding}))


@pytest.mark.parametrize("is_named", [True, False])
def test_only_the_maker_versions_and_deletes(
    member: Peer, other: Peer, room: str, identity: Callable[[str], str], is_named: bool
) -> None:
    more = {"created_by_ref": identity("member")} if is_named else {}
    one = indicator(**more)
    member.post(f"{room}objects/", [one])
    attempts = [version(one, LATER), version(one, LATER, revoked=True)]
    attempts += [version(one, LATER, created_by_ref=identity("outsider"))]
    for attempt in attempts:
        assert refusals(other.post(f"{room}objects/", [attempt])) == ["not-yours"]
    path = f"/feed/{room}objects/{one['id']}/"
    for query in ("", "?match[version]=all", "?match[version]=first"):
        other.send("DELETE", path + query).refused(403)
    assert member.get(f"{room}objects/").ok()["objects"] == [one]
    assert member.post(f"{room}objects/", [version(one, LATER)])["success_count"] == 1
    assert refusals(member.post(f"{room}objects/", [version(one, LATER, created_by_ref=identity("outsider"))])) == [
        "not-yours"
    ]
    assert member.send("DELETE", path).status == 200
    other.send("DELETE", path).refused(404)
    assert other.post(f"{room}objects/", [indicator(id=one["id"])])["success_count"] == 1
    member.send("DELETE", path).refused(403)


def test_versions_of_one_request_have_one_creator(member: Peer, room: str, identity: Callable[[str], str]) -> None:
    one = indicator()
    status = member.post(f"{room}objects/", [one, version(one, LATER, created_by_ref=identity("member"))])
    assert (status["success_count"], refusals(status)) == (1, ["not-yours"])


def test_observable_of_several_members_cannot_be_deleted(member: Peer, other: Peer, room: str) -> None:
    member.post(f"{room}objects/", [URL])
    path = f"/feed/{room}objects/{URL['id']}/"
    other.send("DELETE", path).refused(403)
    assert other.post(f"{room}objects/", [URL])["success_count"] == 1
    for peer in (member, other):
        peer.send("DELETE", path).refused(403)
    assert member.get(f"{room}objects/").ok()["objects"] == [URL]


def test_sole_adder_can_delete_an_observable(member: Peer, other: Peer, room: str) -> None:
    member.post(f"{room}objects/", [URL])
    assert member.send("DELETE", f"/feed/{room}objects/{URL['id']}/").status == 200
    assert other.post(f"{room}objects/", [URL])["success_count"] == 1
    assert other.send("DELETE", f"/feed/{room}objects/{URL['id']}/").status == 200


def test_an_observable_under_the_id_of_another_is_refused_and_not_dropped(member: Peer, other: Peer, room: str) -> None:
    """The existing object stays. A member whose observable conflicts with it is told so, and gets no success."""
    email = {"type": "email-message", "spec_version": "2.1", "is_multipart": False, "subject": "s"}
    email["id"] = f"email-message--{uuid.uuid4()}"
    custom = {"type": "x-thing", "id": f"x-thing--{uuid.uuid4()}", "spec_version": "2.1", "name": "n"}
    taken = [{**URL, "value": "https://harmless.example"}, email, custom]
    assert other.post(f"{room}objects/", taken)["success_count"] == 3
    status = member.post(f"{room}objects/", [URL, {**email, "subject": "t"}, {**custom, "name": "m"}])
    assert (status["success_count"], refusals(status)) == (0, ["another-observable"] * 3)
    # The same observable with additional properties is the same one, and adds nothing new.
    same = [{**taken[0], "defanged": True}, {**email, "is_multipart": True, "body_multipart": []}, custom]
    assert member.post(f"{room}objects/", same)["success_count"] == 3
    assert member.get(f"{room}objects/").ok()["objects"] == taken
    two = [{**URL, "id": f"url--{uuid.uuid4()}", "value": f"https://{name}.example"} for name in "ab"]
    status = member.post(f"{room}objects/", [two[0], {**two[1], "id": two[0]["id"]}])
    assert (status["success_count"], refusals(status)) == (1, ["another-observable"])


def test_no_version_is_from_the_future(member: Peer, room: str) -> None:
    def at(**ahead: int) -> str:
        return (datetime.now(UTC) + timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    soon, late = (
        indicator(modified=at(minutes=3)),
        [indicator(modified=at(minutes=6)), indicator(modified=at(days=400))],
    )
    status = member.post(f"{room}objects/", [soon, *late])
    assert ([done["id"] for done in status["successes"]], refusals(status)) == ([soon["id"]], ["from-the-future"] * 2)


def test_older_object_belongs_to_its_creator(
    server: Deployment, member: Peer, other: Peer, room: str, identity: Callable[[str], str]
) -> None:
    """An older hub stored the object without its maker: only the member named as creator can delete it."""
    named, nobodys = indicator(created_by_ref=identity("member")), indicator()
    with server.database.store.begin() as tx:
        log.append(tx, collections.get(tx, room.split("/")[1]), [Item.of(named), Item.of(nobodys)])
    for one in (named, nobodys):
        other.send("DELETE", f"/feed/{room}objects/{one['id']}/").refused(403)
    assert member.send("DELETE", f"/feed/{room}objects/{named['id']}/").status == 200
    member.send("DELETE", f"/feed/{room}objects/{nobodys['id']}/").refused(403)

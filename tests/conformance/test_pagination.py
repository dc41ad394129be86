"""TAXII 2.1 §3.5 and §3.4 (limit, next): pages."""

from typing import Any

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import LAST, Peer, indicator, version


@pytest.fixture
def sent(member: Peer, room: str) -> list[dict[str, Any]]:
    objects = [indicator() for _ in range(10)]
    member.post(f"{room}objects/", objects[:5])
    member.post(f"{room}objects/", objects[5:])
    return objects


def follow(peer: Peer, path: str, query: dict[str, str], *, repeat: bool = True) -> list[list[Any]]:
    """Follow ``next`` to the end, with the filters repeated or dropped."""
    pages, asked = [], dict(query)
    while True:
        page = peer.get(path, asked).ok()
        pages.append(page["objects"])
        assert ("next" in page) is page["more"]
        if not page["more"]:
            return pages
        assert isinstance(page["next"], str)
        asked = (query if repeat else {"limit": query["limit"]}) | {"next": page["next"]}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9, 10, 11, 1000])
def test_following_next_gives_everything_once(member: Peer, room: str, sent: list[Any], limit: int) -> None:
    pages = follow(member, f"{room}objects/", {"limit": str(limit)})
    assert [item for page in pages for item in page] == sent
    assert all(len(page) == limit for page in pages[:-1])  # §3.4: MUST NOT contain more
    assert 0 < len(pages[-1]) <= limit


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_following_the_header_gives_everything_once(member: Peer, room: str, sent: list[Any], limit: int) -> None:
    got: list[Any] = []
    query = {"limit": str(limit)}
    while True:
        page = member.get(f"{room}objects/", query)
        got += page.ok()["objects"]
        if not page.json()["more"]:
            break
        query["added_after"] = page.headers[LAST]
    assert got == sent


@pytest.mark.parametrize("limit", ["10", "11", "10000", "99999999999999999999"])
def test_result_below_the_limit_is_one_page(member: Peer, room: str, sent: list[Any], limit: str) -> None:  # §3.4: MUST
    page = member.get(f"{room}objects/", {"limit": limit}).ok()
    assert page["objects"] == sent
    assert page.get("more", False) is False
    assert "next" not in page


def test_more_is_true_if_objects_remain(member: Peer, room: str, sent: list[Any]) -> None:  # §3.5: MUST
    page = member.get(f"{room}objects/", {"limit": "9"}).ok()
    assert page["more"] is True
    assert page["objects"] == sent[:9]


@pytest.mark.parametrize("repeat", [True, False])
def test_next_keeps_the_filters(member: Peer, room: str, sent: list[Any], repeat: bool) -> None:
    wanted = sent[1::2]
    query = {"match[id]": ",".join(item["id"] for item in wanted), "match[type]": "indicator", "limit": "2"}
    assert [item for page in follow(member, f"{room}objects/", query, repeat=repeat) for item in page] == wanted


def test_next_returns_only_matching_objects(member: Peer, room: str, sent: list[Any]) -> None:  # app. B: MUST
    token = member.get(f"{room}objects/", {"limit": "2"}).ok()["next"]
    asked = {"next": token, "match[id]": sent[0]["id"]}
    assert member.get(f"{room}objects/", asked).ok() == {}
    assert member.get(f"{room}objects/", {"next": token, "match[type]": "malware"}).ok() == {}
    assert member.get(f"{room}objects/", {"next": token, "added_after": "2100-01-01T00:00:00Z"}).ok() == {}


def test_next_respects_the_rights_of_its_user(
    server: Deployment, member: Peer, room: str, sent: list[Any]
) -> None:  # app. B: MUST
    token = member.get(f"{room}objects/", {"limit": "2"}).ok()["next"]
    server.peer("writer").get(f"{room}objects/", {"next": token}).refused(403, 404)
    server.peer("outsider").get(f"{room}objects/", {"next": token}).refused(404)
    elsewhere = f"collections/{server.collection()}/objects/"
    member.get(elsewhere, {"next": token}).refused(400, 404)


def test_next_of_one_partner_works_for_another_reader(server: Deployment, room: str, sent: list[Any]) -> None:
    token = server.peer("member").get(f"{room}objects/", {"limit": "2"}).ok()["next"]
    assert server.peer("reader").get(f"{room}objects/", {"next": token}).ok()["objects"] == sent[2:]


def test_next_can_be_used_repeatedly(member: Peer, room: str, sent: list[Any]) -> None:
    token = member.get(f"{room}objects/", {"limit": "4"}).ok()["next"]
    for limit in ("1", "3", "100", "1"):
        got = member.get(f"{room}objects/", {"limit": limit, "next": token}).ok()["objects"]
        assert got == sent[4 : 4 + int(limit)]


def test_a_changed_next_is_a_bad_request(member: Peer, room: str, sent: list[Any]) -> None:  # §3.4: MUST 400
    token = member.get(f"{room}objects/", {"limit": "4"}).ok()["next"]
    other = "B" if token.startswith("A") else "A"
    for changed in (token[:-2], token[1:], other + token[1:], token + "AAAA", token.swapcase(), token * 2):
        member.get(f"{room}objects/", {"next": changed}).refused(400)


def test_objects_added_while_paging_are_at_the_end(member: Peer, room: str, sent: list[Any]) -> None:
    page = member.get(f"{room}objects/", {"limit": "6"}).ok()
    later = [version(sent[0], "2026-02-01T00:00:00.000Z"), indicator()]
    member.post(f"{room}objects/", later)
    rest = member.get(f"{room}objects/", {"next": page["next"]}).ok()
    assert page["objects"] + rest["objects"] == sent + later


def test_deletion_while_paging_skips_no_object(member: Peer, room: str, sent: list[Any]) -> None:  # §3.5
    page = member.get(f"{room}objects/", {"limit": "5"}).ok()
    for item in sent[5:]:
        member.send("DELETE", f"/feed/{room}objects/{item['id']}/")
    assert member.get(f"{room}objects/", {"next": page["next"]}).ok() == {}


def test_clients_that_keep_milliseconds_neither_lose_nor_repeat(member: Peer, room: str) -> None:
    got: list[Any] = []
    sent: list[Any] = []
    after: dict[str, str] = {}
    for _ in range(5):
        batch = [indicator() for _ in range(3)]
        member.post(f"{room}objects/", batch)
        sent += batch
        answer = member.get(f"{room}objects/", after)
        got += answer.ok()["objects"]
        after = {"added_after": answer.headers[LAST][:23] + "Z"}
    assert got == sent

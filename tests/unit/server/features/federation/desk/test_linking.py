"""Links of organisations: the same secret gives the same link at each hub, and two organisations never share one."""

import pytest
from sqlalchemy import insert, select

from server.features.federation.members import linking, overlaps
from server.features.federation.members.comparing import CommonMember
from server.features.federation.members.linking import BadLinkSecret
from server.features.federation.members.registers import RegisteredMember
from server.features.federation.tables import hub_pending, hub_reports
from server.store import Store

SECRET, ANOTHER = "0A" * 32, "another secret of thirty-two characters"


def test_secret_is_read_the_same_in_each_spelling() -> None:
    assert linking.secret_of(SECRET) == linking.secret_of(f"  {SECRET.lower()}\n")
    assert linking.secret_of(SECRET) != linking.secret_of(ANOTHER)


@pytest.mark.parametrize("text", ["", "short", "x" * 31, "x" * 1_001, "two\nlines of more than thirty-two characters"])
def test_unsuitable_secret_is_refused(text: str) -> None:
    with pytest.raises(BadLinkSecret):
        linking.secret_of(text)


def test_two_organisations_cannot_have_one_secret(store: Store) -> None:
    with store.begin() as tx:
        linking.link(tx, "first bank", linking.secret_of(SECRET))
        linking.link(tx, "first bank", linking.secret_of(SECRET))
        with pytest.raises(BadLinkSecret):
            linking.link(tx, "second bank", linking.secret_of(SECRET))
        linking.link(tx, "second bank", linking.secret_of(ANOTHER))
        links = linking.all_links(tx)
    assert links.keys() == {"first bank", "second bank"}
    assert links["first bank"].proof != links["second bank"].proof
    assert len(links["first bank"].proof) == 64


def test_change_of_a_link_publishes_own_reports_anew(either_store: Store) -> None:
    row = {"stream": "open", "number": 1, "body": b"{}", "received": 1, "state": 0}
    own = [{**row, "origin": "own/log", "id": f"i-{at}", "subject": f"domain:{at}", "peer": ""} for at in "ab"]
    other = {**row, "origin": "other/log", "id": "i-c", "subject": "domain:c", "peer": "Hub"}
    with either_store.begin() as tx:
        tx.execute(insert(hub_reports), [*own, other])
        tx.execute(insert(hub_pending), [{"subject": "domain:a", "release": True, "noted": 1}])
        linking.link(tx, "first bank", linking.secret_of(SECRET))
        found = {row.subject: row for row in tx.execute(select(hub_pending))}
        assert found.keys() == {"domain:a", "domain:b"}
        # The values that are waiting keep the rest of their work.
        assert found["domain:a"].release
        assert not found["domain:b"].release
        assert found["domain:a"].noted == found["domain:b"].noted > 1
        assert linking.unlink(tx, "first bank")
        assert not linking.unlink(tx, "first bank")


def test_peer_is_restricted_until_every_common_member_is_linked(either_store: Store) -> None:
    first, second = (RegisteredMember(name, (name,), frozenset({f"LEI:{name}"}), "aa") for name in ("first", "second"))
    with either_store.begin() as tx:
        assert overlaps.find(tx, "hub/log").compared is None
        overlaps.store(tx, "hub/log", "here", [CommonMember(first, (), True), CommonMember(second, (), False)])
        assert overlaps.origins_with_unlinked_members(tx) == {"hub/log"}
        assert overlaps.find(tx, "hub/log").unlinked == ["second"]
        # The peer compares later: both sides' results count, and a link that either side proved.
        overlaps.store(tx, "hub/log", "there", [CommonMember(second, (), True)])
        assert not overlaps.origins_with_unlinked_members(tx)
        # Another secret: both hubs have to compare again.
        linking.link(tx, "second", linking.secret_of(SECRET))
        assert overlaps.find(tx, "hub/log").unlinked == ["second"]
        overlaps.store(tx, "hub/log", "here", [])
        overlaps.store(tx, "hub/log", "there", [])
        assert not overlaps.origins_with_unlinked_members(tx)
        assert overlaps.find(tx, "hub/log").compared

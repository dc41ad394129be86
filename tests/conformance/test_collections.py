"""TAXII 2.1 §5.1 and §5.2: the collections, and one of them."""

import uuid
from typing import Any

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer

REQUIRED = {"id": str, "title": str, "can_read": bool, "can_write": bool}
OPTIONAL = {"description": str, "alias": str, "media_types": list}


def listed(peer: Peer) -> dict[str, dict[str, Any]]:
    return {collection["id"]: collection for collection in peer.get("collections/").ok().get("collections", ())}


def test_each_collection_has_required_and_known_properties_only(member: Peer) -> None:  # §5.2.1
    found = listed(member)
    assert found
    for collection in found.values():
        for name, kind in REQUIRED.items():
            assert type(collection[name]) is kind
        for name, kind in OPTIONAL.items():
            assert type(collection.get(name, kind())) is kind
        assert collection.keys() <= REQUIRED.keys() | OPTIONAL.keys()


def test_ids_are_random_uuids(member: Peer) -> None:  # §2 identifier
    for id_ in listed(member):
        assert uuid.UUID(id_).version == 4
        assert str(uuid.UUID(id_)) == id_


def test_aliases_are_unique_and_lead_to_the_collection(member: Peer) -> None:  # §5.2.1
    found = listed(member)
    aliases = [collection["alias"] for collection in found.values() if "alias" in collection]
    assert len(set(aliases)) == len(aliases)
    for collection in found.values():
        assert member.get(f"collections/{collection['alias']}/").ok() == collection


def test_media_types_are_those_of_stix(member: Peer, server: Deployment) -> None:  # §5.2.1
    types = listed(member)[server.database.room]["media_types"]
    assert "application/stix+json;version=2.1" in types
    assert all(name.startswith("application/stix+json") for name in types)


def test_rights_are_those_of_the_requesting_partner(server: Deployment) -> None:  # §5.2.1
    expected = {"member": (True, True), "reader": (True, False), "writer": (False, True)}
    for name, rights in expected.items():
        one = server.peer(name).get(f"collections/{server.database.room}/").ok()
        assert (one["can_read"], one["can_write"]) == rights


def test_the_order_is_the_same_every_time(member: Peer) -> None:  # §3.3
    assert len({tuple(listed(member)) for _ in range(3)}) == 1


def test_single_collection_equals_its_list_entry(member: Peer) -> None:  # §5.2
    for id_, one in listed(member).items():
        assert member.get(f"collections/{id_}/").ok() == one


def test_hidden_collection_is_neither_listed_nor_found(server: Deployment) -> None:  # §5.2: 404
    outsider = server.peer("outsider")
    assert server.database.room not in listed(outsider)
    there = outsider.get(f"collections/{server.database.room}/").refused(404)
    nowhere = outsider.get(f"collections/{uuid.uuid4()}/").refused(404)
    assert there | {"error_id": ""} == nowhere | {"error_id": ""}


@pytest.mark.parametrize("id_", ["9cfa669c-ee94-4ece-afd2-f8edac37d8fd", "x", "*", "%25", "'%20or%201=1%20--"])
def test_absent_resource_is_not_found(member: Peer, id_: str) -> None:  # §5.2: 404
    for end in ("", "manifest/", "objects/", "objects/indicator--c410e480-e42b-47d1-9476-85307c12bcbf/"):
        member.get(f"collections/{id_}/{end}").refused(404)


@pytest.mark.parametrize("path", ["collections/", "collections/room/"])
def test_credentials_are_required(member: Peer, path: str) -> None:  # §5.1, §5.2: MUST 401 or 404
    member.anonymous().get(path).refused(401, 404)

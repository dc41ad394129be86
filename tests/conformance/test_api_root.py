"""TAXII 2.1 §4.2: API root information."""

from tests.conformance.peer import TAXII, Peer


def test_required_properties_are_present(member: Peer) -> None:  # §4.2.1
    said = member.get("").ok()
    assert isinstance(said["title"], str)
    assert said["title"]
    assert TAXII in said["versions"]
    assert said.keys() <= {"title", "description", "versions", "max_content_length"}


def test_every_version_is_a_media_type_with_its_version(member: Peer) -> None:  # §4.2.1
    for version in member.get("").ok()["versions"]:
        assert version.startswith("application/taxii+json;version=")


def test_the_largest_body_is_a_positive_integer(member: Peer) -> None:  # §4.2.1
    largest = member.get("").ok()["max_content_length"]
    assert type(largest) is int
    assert 0 < largest < 2**53


def test_another_api_root_is_not_found(member: Peer) -> None:  # §4.2: 404
    member.send("GET", "/other/").refused(404)
    member.send("GET", "/other/collections/").refused(404)


def test_credentials_are_required(member: Peer) -> None:  # §4.2: 401
    member.anonymous().get("").refused(401)

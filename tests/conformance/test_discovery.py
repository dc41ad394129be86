"""TAXII 2.1 §4.1: server discovery."""

from urllib.parse import urljoin, urlsplit

from tests.conformance.peer import TAXII, Peer


def test_it_is_at_the_root_of_the_server(member: Peer) -> None:  # §8.2.1 1
    said = member.send("GET", "/taxii2/").ok()
    assert isinstance(said["title"], str)
    assert said["title"]


def test_it_lists_at_least_one_api_root(member: Peer) -> None:  # §8.2.1 2
    roots = member.send("GET", "/taxii2/").ok()["api_roots"]
    assert roots
    assert len(set(roots)) == len(roots)  # §4.2: a unique URL each


def test_api_roots_are_absolute_https_urls_or_begin_with_one_slash(member: Peer) -> None:  # §4.1.1
    for root in member.send("GET", "/taxii2/").ok()["api_roots"]:
        parts = urlsplit(root)
        assert parts.scheme == "https" or (parts.scheme == "" and root.startswith("/") and not root.startswith("//"))
        assert "?" not in root
        assert root.endswith("/")


def test_over_https_they_are_absolute_for_clients_that_cannot_resolve_them(member: Peer) -> None:
    roots = member.send("GET", "/taxii2/", {"Host": "hub.example:8443"}).ok()["api_roots"]
    assert roots == (["/feed/"] if member.tls is None else ["https://hub.example:8443/feed/"])


def test_malformed_host_is_not_repeated(member: Peer) -> None:
    answer = member.send("GET", "/taxii2/", {"Host": 'evil.example/"<x>'})
    assert b"evil" not in answer.body
    # The server answers as if no host was named, or refuses: it never returns another root.
    if answer.status == 200:
        assert answer.ok()["api_roots"] == ["/feed/"]
    else:
        answer.refused(400)


def test_the_default_is_one_of_them(member: Peer) -> None:  # §4.1.1
    said = member.send("GET", "/taxii2/").ok()
    assert said["default"] in said["api_roots"]


def test_listed_api_roots_exist(member: Peer) -> None:
    for root in member.send("GET", "/taxii2/").ok()["api_roots"]:
        path = urlsplit(urljoin("https://hub.example/taxii2/", root)).path
        assert TAXII in member.send("GET", path).ok()["versions"]


def test_only_standard_properties_are_present(member: Peer) -> None:  # §3.8
    said = member.send("GET", "/taxii2/").ok()
    assert said.keys() <= {"title", "description", "contact", "default", "api_roots"}
    assert all(isinstance(said.get(name, ""), str) for name in ("title", "description", "contact", "default"))


def test_credentials_are_required(member: Peer) -> None:  # §4.1: 401
    member.anonymous().send("GET", "/taxii2/").refused(401)

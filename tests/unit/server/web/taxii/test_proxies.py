import pytest

from server.web.taxii.proxies import TrustedProxies, is_local


def environ(address: str, forwarded: str | None = None) -> dict[str, str]:
    return {"REMOTE_ADDR": address} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})


@pytest.mark.parametrize(
    ("address", "forwarded", "remote"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.9, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("", "203.0.113.7", ""),
    ],
)
def test_address_is_the_last_untrusted_one(address: str, forwarded: str | None, remote: str) -> None:
    assert TrustedProxies("10.0.0.0/8").remote(environ(address, forwarded)) == remote


def test_only_named_proxies_are_trusted() -> None:
    assert TrustedProxies().remote(environ("127.0.0.1", "203.0.113.7")) == "127.0.0.1"


def test_only_direct_loopback_requests_are_local() -> None:
    assert is_local(environ("127.0.0.1"))
    assert is_local(environ("::1"))
    assert not is_local(environ("127.0.0.1", "203.0.113.7"))
    assert not is_local(environ("192.0.2.1"))
    assert not is_local(environ(""))


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("127.0.0.1:8000", True),
        ("127.8.9.1", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("scam.example", False),
        ("scam.example:8000", False),
        ("localhost.scam.example", False),
        ("127.0.0.1.scam.example:80", False),
        ("192.0.2.1", False),
        ("[2001:db8::1]:80", False),
        ("127.0.0.1@scam.example", False),
        ("127.0.0.1:80:80", False),
    ],
)
def test_rebound_name_is_not_local(host: str, found: bool) -> None:
    assert is_local(environ("127.0.0.1") | {"HTTP_HOST": host}) is found

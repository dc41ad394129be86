import pytest

from server.taxii.proxies import TrustedProxies, is_local


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
def test_the_address_is_the_last_that_no_trusted_proxy_has(address: str, forwarded: str | None, remote: str) -> None:
    assert TrustedProxies("10.0.0.0/8").remote(environ(address, forwarded)) == remote


def test_nobody_is_trusted_unless_named() -> None:
    assert TrustedProxies().remote(environ("127.0.0.1", "203.0.113.7")) == "127.0.0.1"


def test_only_what_comes_straight_from_this_machine_is_from_here() -> None:
    assert is_local(environ("127.0.0.1"))
    assert is_local(environ("::1"))
    assert not is_local(environ("127.0.0.1", "203.0.113.7"))
    assert not is_local(environ("192.0.2.1"))
    assert not is_local(environ(""))

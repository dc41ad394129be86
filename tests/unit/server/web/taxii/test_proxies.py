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


@pytest.mark.parametrize(
    "header",
    [
        *("Via", "Forwarded", "CDN-Loop", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
        *("X-Forwarded-Server", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded", "Max-Forwards", "X-Scheme"),
        *("CF-Connecting-IP", "CF-Ray", "True-Client-IP", "Fastly-Client-IP", "X-Varnish", "X-Client-IP"),
        *("X-Amzn-Trace-Id", "X-Amz-Cf-Id", "X-Envoy-External-Address", "X-Azure-ClientIP", "X-Original-URI"),
    ],
)
def test_request_with_the_mark_of_a_proxy_is_not_local(header: str) -> None:
    name = "HTTP_" + header.upper().replace("-", "_")
    for value in ("1.1 cache", "127.0.0.1", ""):
        assert not is_local(environ("127.0.0.1") | {"HTTP_HOST": "localhost", name: value})


def test_headers_of_prometheus_and_browsers_are_no_marks() -> None:
    sent = {
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "Prometheus/3.5.0",
        "HTTP_ACCEPT": "application/openmetrics-text;version=1.0.0",
        "HTTP_ACCEPT_ENCODING": "gzip",
        "HTTP_ACCEPT_LANGUAGE": "th",
        "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": "10",
        "HTTP_CONNECTION": "close",
        "HTTP_COOKIE": "a=b",
        "HTTP_DNT": "1",
        "HTTP_SEC_FETCH_SITE": "none",
        "HTTP_UPGRADE_INSECURE_REQUESTS": "1",
        "HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    assert is_local(environ("127.0.0.1") | sent)
    assert not is_local(environ("127.0.0.1") | sent | {"SERVER_PROTOCOL": "HTTP/1.0"})

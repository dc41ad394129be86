"""IP addresses: one public address, in one spelling."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from schemas.kinds.ip import Ip
from schemas.refang import refang
from schemas.reference import hosts

IP = Ip()


def outcome(raw: str) -> str | Rejected:
    try:
        return IP.normalise(refang(raw)).value
    except Rejected as refused:
        return refused


def reason(raw: str) -> str:
    refused = outcome(raw)
    assert isinstance(refused, Rejected)
    return refused.reason


@given(st.ip_addresses(network="2001:db8::/32") | st.ip_addresses(network="198.51.100.0/24"), st.data())
@settings(deadline=None)
def test_every_spelling_of_an_address_has_one_normal_form(
    address: IPv4Address | IPv6Address, data: st.DataObject
) -> None:
    plain = str(address)
    ways = [plain, plain.upper(), address.exploded, f"[{plain}]", f"{plain}/{address.max_prefixlen}"]
    ways += [plain.replace(".", "[.]").replace(":", "[:]"), f"<{plain}>", f" {plain}\u200b"]
    if isinstance(address, IPv4Address):
        ways += [
            f"::ffff:{plain}",
            f"http://{plain}/",
            plain.translate({ord("0") + n: chr(0xFF10 + n) for n in range(10)}),
        ]
    raw = data.draw(st.sampled_from(ways))
    assert IP.normalise(refang(raw)).value == plain


@given(st.ip_addresses())
@settings(deadline=None)
def test_an_address_is_accepted_if_the_registries_call_it_global(address: IPv4Address | IPv6Address) -> None:
    raw = str(address)
    assert IP.recognises(raw)
    normal = outcome(raw)
    if isinstance(normal, Rejected):
        assert normal.reason in ("own-machine", "not-routable")
        assert raw == "::" or raw not in normal.message
        return
    assert IP.normalise(normal).value == normal
    assert ip_address(normal).is_global or hosts._is_documentation(ip_address(normal))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("172.16.0.1", "not-routable"),
        ("192.168.1.1", "not-routable"),
        ("198.18.0.1", "not-routable"),
        ("240.0.0.1", "not-routable"),
        ("ff02::1", "not-routable"),
        ("fec0::1", "not-routable"),
        ("::ffff:10.0.0.1", "not-routable"),
        ("::ffff:127.0.0.1", "own-machine"),
        ("127.1.2.3", "own-machine"),
        ("::", "own-machine"),
        ("192.0.2.7/24", "ip-network"),
        ("192.0.2.0/255.255.255.0", "ip-network"),
        ("192.0.2.7/33", "ip-network"),
        ("192.0.2.1 - 192.0.2.9", "ip-network"),
        ("192.0.*.*", "ip-network"),
        ("http://192.0.2.7:8080/", "ip-port"),
        ("192.0.2.7 443/tcp", "ip-port"),
        ("0300.0.2.7", "ip-form"),
        ("3221225991", "ip-form"),
        ("0xC0000207", "ip-form"),
        ("00:11:22:33:44:55", "ip-form"),
        ("1:2:3:4:5:6:7:8:9", "ip-form"),
        ("192.0.2.7 and others", "ip-form"),
    ],
)
def test_value_without_one_public_address_is_refused_with_its_reason(raw: str, expected: str) -> None:
    assert reason(raw) == expected


@pytest.mark.parametrize(
    "raw", ["1.5", "10:30", "12:34:56", "0812345678", "7", "fee", "shop.example.com", "", "192.0.2.7/pay"]
)
def test_a_value_that_may_be_of_another_kind_is_not_recognised(raw: str) -> None:
    assert not IP.recognises(raw)


@pytest.mark.parametrize("raw", ["192.0.2.7:8080", "192.0.2.0/24", "192.0.2.*", "[2001:db8::7]:443", "2001:db8::/32"])
def test_an_address_with_a_port_or_network_is_recognised(raw: str) -> None:
    assert IP.recognises(raw)


@given(st.text(max_size=60) | st.text("0123456789abcdef.:/[]*- %", max_size=60))
@settings(deadline=None)
def test_any_value_has_a_stable_normal_form_or_a_refusal_that_does_not_quote_it(raw: str) -> None:
    IP.recognises(raw)
    normal = outcome(raw)
    if isinstance(normal, Rejected):
        assert len(raw) < 12 or raw not in normal.message
        return
    assert IP.normalise(normal).value == normal

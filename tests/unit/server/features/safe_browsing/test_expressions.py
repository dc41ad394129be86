"""Canonical forms and expressions: the vectors of the specification, and every listed value's expression is met."""

import hashlib

import ada_url
import pytest
from hypothesis import given, settings, strategies as st

from schemas import kinds
from schemas.errors import Rejected
from server.features.safe_browsing.expressions import canonical, full_hash
from tests import safe_browsing_client as client
from tests.searches import examples

# developers.google.com/safe-browsing/reference/URLs.and.Hashing, "Canonicalization".
VECTORS = [
    (b"http://host/%25%32%35", b"http://host/%25"),
    (b"http://host/%25%32%35%25%32%35", b"http://host/%25%25"),
    (b"http://host/%2525252525252525", b"http://host/%25"),
    (b"http://host/asdf%25%32%35asd", b"http://host/asdf%25asd"),
    (b"http://host/%%%25%32%35asd%%", b"http://host/%25%25%25asd%25%25"),
    (b"http://www.google.com/", b"http://www.google.com/"),
    (
        b"http://%31%36%38%2e%31%38%38%2e%39%39%2e%32%36/%2E%73%65%63%75%72%65/%77%77%77%2E%65%62%61%79%2E%63%6F%6D/",
        b"http://168.188.99.26/.secure/www.ebay.com/",
    ),
    (
        b"http://195.127.0.11/uploads/%20%20%20%20/.verify/.eBaysecure=updateuserdataxplimnbqmn-xplmvalidateinfoswqpcml"
        b"x=hgplmcx/",
        b"http://195.127.0.11/uploads/%20%20%20%20/.verify/.eBaysecure=updateuserdataxplimnbqmn-xplmvalidateinfoswqpcml"
        b"x=hgplmcx/",
    ),
    (
        b"http://host%23.com/%257Ea%2521b%2540c%2523d%2524e%25f%255E00%252611%252A22%252833%252944_55%252B",
        b"http://host%23.com/~a!b@c%23d$e%25f^00&11*22(33)44_55+",
    ),
    (b"http://3279880203/blah", b"http://195.127.0.11/blah"),
    (b"http://www.google.com/blah/..", b"http://www.google.com/"),
    (b"www.google.com/", b"http://www.google.com/"),
    (b"www.google.com", b"http://www.google.com/"),
    (b"http://www.evil.com/blah#frag", b"http://www.evil.com/blah"),
    (b"http://www.GOOgle.com/", b"http://www.google.com/"),
    (b"http://www.google.com.../", b"http://www.google.com/"),
    (b"http://www.google.com/foo\tbar\rbaz\n2", b"http://www.google.com/foobarbaz2"),
    (b"http://www.google.com/q?", b"http://www.google.com/q?"),
    (b"http://www.google.com/q?r?", b"http://www.google.com/q?r?"),
    (b"http://www.google.com/q?r?s", b"http://www.google.com/q?r?s"),
    (b"http://evil.com/foo#bar#baz", b"http://evil.com/foo"),
    (b"http://evil.com/foo;", b"http://evil.com/foo;"),
    (b"http://evil.com/foo?bar;", b"http://evil.com/foo?bar;"),
    (b"http://\x01\x80.com/", b"http://%01%80.com/"),
    (b"http://notrailingslash.com", b"http://notrailingslash.com/"),
    (b"http://www.gotaport.com:1234/", b"http://www.gotaport.com:1234/"),
    (b"  http://www.google.com/  ", b"http://www.google.com/"),
    (b"http:// leadingspace.com/", b"http://%20leadingspace.com/"),
    (b"http://%20leadingspace.com/", b"http://%20leadingspace.com/"),
    (b"%20leadingspace.com/", b"http://%20leadingspace.com/"),
    (b"https://www.securesite.com/", b"https://www.securesite.com/"),
    (b"http://host.com/ab%23cd", b"http://host.com/ab%23cd"),
    (b"http://host.com//twoslashes?more//slashes", b"http://host.com/twoslashes?more//slashes"),
]


@pytest.mark.parametrize(("url", "expected"), VECTORS)
def test_the_published_forms_are_met(url: bytes, expected: bytes) -> None:
    scheme, host, path, _ = client.canonicalize(url)
    assert scheme + b"://" + host + path == expected
    # Expressions have neither scheme nor port.
    written = expected.split(b"://", 1)[1].replace(b":1234", b"")
    assert canonical(url.decode(errors="surrogateescape")).expression == written


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0x7f.1", "127.0.0.1"),
        ("0300.0250.1", "192.168.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("256.1.1.1", "256.1.1.1"),
        ("08.1.1.1", "08.1.1.1"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("0x1000000000", "0x1000000000"),
    ],
)
def test_addresses_in_other_forms_become_four_numbers(host: str, expected: str) -> None:
    assert canonical(f"http://{host}/").host == expected.encode()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "http://a.b.com/1/2.html?param=1",
            "a.b.com/1/2.html?param=1 a.b.com/1/2.html a.b.com/ a.b.com/1/ b.com/1/2.html?param=1 b.com/1/2.html b.com/"
            " b.com/1/",
        ),
        (
            "http://a.b.c.d.e.f.com/1.html",
            "a.b.c.d.e.f.com/1.html a.b.c.d.e.f.com/ c.d.e.f.com/1.html c.d.e.f.com/ d.e.f.com/1.html d.e.f.com/"
            " e.f.com/1.html e.f.com/ f.com/1.html f.com/",
        ),
        ("http://1.2.3.4/1/", "1.2.3.4/1/ 1.2.3.4/"),
        ("http://example.co.uk/1", "example.co.uk/1 example.co.uk/"),
    ],
)
def test_the_client_makes_the_published_expressions(url: str, expected: str) -> None:
    assert set(client.expressions(url)) == set(expected.split())


def test_the_published_hashes_are_met() -> None:
    # developers.google.com/safe-browsing/reference/Local.Database
    assert (
        client.full_hash("a.example.com/").hex() == "291bc5421f1cd54d99afcc55d166e2b9fe42447025895bf09dd41b2110a687dc"
    )
    found = full_hash("domain", "b.example.com")
    assert found is not None
    assert found.hex() == "1d32c5084a360e58f1b87109637a6810acad97a861a7769e8f1841410d2a960c"


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com/?a",
        "https://shop.example.com/login",
        "http://shop.example.com:8080/a/b/c/d/e/f.html?x=1&y=/../z",
        "https://xn--42c2d9a.example.com/%E0%B8%81/%25/a%20b",
        "http://192.0.2.7/a/../b//c?d",
        "http://[2001:db8::7]/login?x=1",
        "https://shop.example.com/%3Fq/../a%23b?%23=%2f",
    ],
)
def test_a_client_that_opens_a_listed_url_meets_its_hash(url: str) -> None:
    value = kinds.get("url").normalise(url).value
    found = full_hash("url", value)
    # The specification begins with a URL that the client has parsed.
    opened = ada_url.normalize_url(url)
    assert found in {client.full_hash(expression) for expression in client.expressions(opened)}


def test_a_client_below_a_listed_domain_meets_its_hash() -> None:
    found = full_hash("domain", "evil.example.com")
    for url in ("http://evil.example.com", "https://a.b.evil.example.com/x?y#z", "http://EVIL.example.com.:81/"):
        assert found in {client.full_hash(expression) for expression in client.expressions(url)}
    assert found not in {client.full_hash(expression) for expression in client.expressions("http://example.com/evil")}


@given(st.text(st.sampled_from("ab%2325/.?&=#:@~ก "), max_size=60))
@settings(max_examples=examples(2_000), deadline=None)
def test_any_listed_url_is_met(text: str) -> None:
    try:
        value = kinds.get("url").normalise(f"http://evil.example.com/{text}").value
    except Rejected:
        return
    found = full_hash("url", value)
    if found is None:
        # Only the start page has no hash here.
        assert canonical(value).path == b"/"
        return
    assert found in {client.full_hash(expression) for expression in client.expressions(value)}


def test_numbers_and_accounts_have_no_hash() -> None:
    for kind in kinds.every():
        if kind not in ("domain", "url"):
            assert full_hash(kind, "evil.example.com") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://github.io/",
        "https://someone.github.io/",
        "https://shop.example.com/",
        "https://www.facebook.com/profile.php",
        "https://sites.google.com/view/",
        "http://192.0.2.7/",
        "http://192.0.2.7/login/",
        "http://[2001:db8::7]/login",
    ],
)
def test_pages_of_others_are_not_blocked_with_a_url(url: str) -> None:
    assert full_hash("url", url) is None
    page = hashlib.sha256(canonical(url + "?id=7").expression).digest()
    assert full_hash("url", url + "?id=7") == page


def test_escapes_in_escapes_take_little_time() -> None:
    assert canonical("http://host/%" + "25" * 2_000).path == b"/%25"

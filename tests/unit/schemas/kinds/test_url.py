"""URLs: one URL per page, with the host that a browser would contact, and without a person's address."""

import re
import time
from collections.abc import Callable

import ada_url
import pytest
from hypothesis import given, settings, strategies as st

from schemas.errors import Rejected
from schemas.kinds.url import Url
from schemas.refang import refang
from tests.searches import examples

URL = Url()
PAGE = "https://shop.example.com/a/pay"
# RFC 3986, Appendix A, for the allowed characters of web URLs.
RFC_3986 = re.compile(
    r"https?://(?:[a-z0-9_.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?"
    r"/(?:[A-Za-z0-9\-._~!$&()*+,;=:@/]|%[0-9A-F]{2})*(?:\?(?:[A-Za-z0-9\-._~!$&()*+,;=:@/?]|%[0-9A-F]{2})+)?"
)
IN_FRONT: list[Callable[[str], str]] = [
    lambda rest: "https://" + rest,
    lambda rest: "HTTPS://" + rest,
    lambda rest: "hxxps://" + rest,
    lambda rest: "hXXps[:]//" + rest,
    lambda rest: "hxxps[://]" + rest,
    lambda rest: "h**ps://" + rest,
    lambda rest: "https:" + rest,
    lambda rest: "https:/" + rest,
    lambda rest: "https:\\\\" + rest,
    lambda rest: "https//" + rest,
    lambda rest: "ttps://" + rest,
    lambda rest: "https:// " + rest,
    lambda rest: "https://someone:secret@" + rest,
    lambda rest: "https://bank.example.org%E2%88%95login@" + rest,
    lambda rest: f'"https://{rest}"',
    lambda rest: f"<https://{rest}>",
    lambda rest: f" \u200bhttps://{rest}\n",
]
HOSTS = [
    "shop.example.com",
    "SHOP.Example.com",
    "shop.example.com.",
    "shop.example.com:443",
    "shop[.]example[.]com",
    "shop(dot)example(dot)com",
    "ｓｈｏｐ．example。com",
    "sh%6Fp.example.com",
    "shop.exam\u00adple.com",
]
PATHS = ["/a/pay", "/./a/b/../pay", "/a/%70ay", "\\a\\pay", "/%61/p%61y", "/a/%2e/pay"]
AT_THE_END = [
    "",
    "?",
    "#",
    "#/login",
    "?utm_source=x&utm_medium=y",
    "?FBCLID=1",
    "?utm%5Fid=1",
    "?gclid=a&amp;msclkid=b#c",
    "?email=someone@example.org",
    "?login_hint=someone%40example.org",
    "?someone@example.org",
]


def value(raw: str) -> str:
    return URL.normalise(refang(raw)).value


def outcome(raw: str) -> str | Rejected:
    try:
        return URL.normalise(raw).value
    except Rejected as refused:
        return refused


def refusal(raw: str) -> Rejected:
    refused = outcome(refang(raw))
    assert isinstance(refused, Rejected)
    return refused


@given(st.sampled_from(IN_FRONT), st.sampled_from(HOSTS), st.sampled_from(PATHS), st.sampled_from(AT_THE_END))
@settings(deadline=None, max_examples=examples(400))
def test_every_spelling_of_a_page_gives_one_url(front: Callable[[str], str], host: str, path: str, end: str) -> None:
    assert value(front(host + path + end)) == PAGE


@pytest.mark.parametrize(
    "other",
    [
        "http://shop.example.com/a/pay",
        "https://shop.example.com/a/pay/",
        "https://shop.example.com/a/Pay",
        "https://shop.example.com:8443/a/pay",
        "https://www.shop.example.com/a/pay",
        "https://shop.example.com/a/pay?b=1",
        "https://shop.example.com/a/pay?page=utm_source",
        "https://shop.example.com/a//pay",
        "https://shop.example.com/a%2Fpay",
        "https://shop.example.com/a/pay%3Fb=1",
    ],
)
def test_parts_that_select_the_page_are_kept(other: str) -> None:
    assert value(other) == other != PAGE


@given(st.text("abc%/\\:@.∕／#?;&é 1", max_size=20), st.sampled_from(["/", "/x", "?y", ""]))
@settings(deadline=None)
def test_host_is_the_one_that_a_browser_contacts(before: str, after: str) -> None:
    raw = f"https://{before}@shop.example.org{after}"
    normal = outcome(raw)
    if isinstance(normal, str) and ada_url.check_url(raw):
        assert ada_url.URL(normal).hostname == ada_url.URL(raw).hostname.rstrip(".")


@given(st.text(max_size=80) | st.builds(lambda rest: "https://shop.example.com/" + rest, st.text(max_size=80)))
@settings(deadline=None)
def test_any_value_gives_a_url_of_rfc_3986_or_a_refusal_that_does_not_quote_it(raw: str) -> None:
    URL.recognises(raw)
    normal = outcome(refang(raw))
    if isinstance(normal, Rejected):
        assert len(raw) < 12 or raw not in normal.message
        return
    assert RFC_3986.fullmatch(normal)
    assert URL.normalise(normal).value == normal
    assert URL.recognises(normal)


@pytest.mark.parametrize(
    ("raw", "likely"),
    [
        ("mailto:someone@example.com", "email"),
        ("tel:0812345678", "phone"),
        ("tg://join?invite=x", "social-account"),
        ("bitcoin:1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "wallet"),
        ("upi://pay?pa=someone@example", "payment alias"),
        ("market://details?id=com.example", "app"),
        ("data:text/html;base64,eA==", "the page that it came from"),
        ("ftp://shop.example.com/x", "host as a domain"),
        ("unheard:of", "host as a domain"),
    ],
)
def test_another_scheme_is_refused_with_the_likely_kind(raw: str, likely: str) -> None:
    refused = refusal(raw)
    assert refused.reason == "scheme"
    assert likely in refused.message


@pytest.mark.parametrize("raw", ["0812345678", "812345678", "12.50", "01.02.2024", "1.2", "7"])
def test_a_number_is_not_read_as_an_ip_address(raw: str) -> None:
    assert refusal(raw).reason == "url-form"
    assert not URL.recognises(raw)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("https://shop.example.com/?to=someone@example.org", None),
        ("https://shop.example.com/?u=https://example.net/?email=someone@example.org", None),
        ("https://shop.example.com/someone%40example.org/x", None),
        ("https://shop.example.com/@someone", "https://shop.example.com/@someone"),
        ("https://shop.example.com/@someone@example.org", "https://shop.example.com/@someone@example.org"),
        ("https://shop.example.com/lib@1.2.3/a.js", "https://shop.example.com/lib@1.2.3/a.js"),
        ("https://shop.example.com/?email=&a=1", "https://shop.example.com/?email=&a=1"),
    ],
)
def test_mail_addresses_are_refused_and_parameters_that_select_the_page_are_kept(raw: str, kept: str | None) -> None:
    if kept is None:
        assert refusal(raw).reason == "personal-data"
    else:
        assert value(raw) == kept


@pytest.mark.parametrize(
    ("raw", "recognised"),
    [
        ("https://shop.example.com", True),
        ("http://192.0.2.7:8080/", True),
        ("shop.example.com/pay", True),
        ("shop.example.com:8080/pay", True),
        ("ตัวอย่าง.com/ก", True),
        ("192.0.2.7/pay", True),
        ("bank.example.com%E2%88%95login@shop.example.org", True),
        ("https://t.me/example", False),
        ("t.me/example", False),
        ("shop.example.com", False),
        ("192.0.2.0/24", False),
        ("192.0.2.7:8080", False),
        ("someone@example.com", False),
        ("and/or", False),
        ("1/2", False),
        ("tel:+66812345678", False),
        ("", False),
    ],
)
def test_a_url_is_recognised_by_its_scheme_or_its_host_and_path(raw: str, recognised: bool) -> None:
    assert URL.recognises(raw) is recognised


@pytest.mark.parametrize("filling", ["http:", " ", "/", ".", "a.", "%", "&", "a@", "@a.", "?", "[", "+", "=a@b."])
def test_a_hostile_value_takes_linear_time(filling: str) -> None:
    def seconds(length: int) -> float:
        raw = "https://shop.example.com/" + (filling * length)[:length]
        best = 60.0
        for _ in range(3):
            # CPU time of this process, regardless of other load on the machine.
            start = time.process_time()
            for text in (raw, raw[8:], raw[25:]):
                URL.recognises(text)
                outcome(text)
            best = min(best, time.process_time() - start)
        return best

    # Quadratic time would be 16 times as long for twice the length. Long runs of one character cost little more.
    assert seconds(4000) < 12 * seconds(1000) + 0.002

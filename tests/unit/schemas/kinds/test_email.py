"""E-mail addresses: the address alone, in lower case, without a person's name."""

import pytest
from hypothesis import given, settings, strategies as st
from stix2validator.validator import is_email

from schemas.errors import Rejected
from schemas.kinds.email import Email
from schemas.refang import refang

EMAIL = Email()
WAYS = [
    "{}",
    " {}\u200b",
    "<{}>",
    '"{}"',
    "mailto:{}",
    "MAILTO:{}?subject=hello&body=x",
    "Some One <{}>",
    '"One, Some" <{}>',
    "{} (Some One)",
    "{}.",
]
SPELLINGS = ["{0}@{1}", "{0}[at]{1}", "{0}(@){1}", "{0} [at] {1}", "{0}＠{1}", "{0}@{1}"]


def value(raw: str) -> str:
    return EMAIL.normalise(refang(raw)).value


def outcome(raw: str) -> str | Rejected:
    try:
        return value(raw)
    except Rejected as refused:
        return refused


def refusal(raw: str) -> Rejected:
    refused = outcome(raw)
    assert isinstance(refused, Rejected)
    return refused


@given(
    st.from_regex(r"[A-Za-z0-9]([._+-]?[A-Za-z0-9]){0,20}", fullmatch=True),
    st.sampled_from(
        ["example.com", "Mail.Example.CO.TH", "example[.]com", "bücher.example.com", "xn--bcher-kva.example.com"]
    ),
    st.sampled_from(SPELLINGS),
    st.sampled_from(WAYS),
)
@settings(deadline=None)
def test_every_spelling_of_an_address_has_one_normal_form(mailbox: str, domain: str, spelling: str, way: str) -> None:
    plain = domain.lower().replace("[.]", ".").replace("bücher", "xn--bcher-kva")
    assert value(way.format(spelling.format(mailbox, domain))) == f"{mailbox.lower()}@{plain}"


@pytest.mark.parametrize(
    "other", ["some.one@example.com", "someone+1@example.com", "someone@mail.example.com", "some-one@example.com"]
)
def test_dots_tags_and_hosts_make_another_address(other: str) -> None:
    assert value(other) == other != "someone@example.com"


@given(
    st.text(max_size=60)
    | st.builds("{}@{}".format, st.text(max_size=20), st.sampled_from(["example.com", "example.co.th"]))
    | st.emails()
)
@settings(deadline=None)
def test_any_value_gives_an_address_that_stix_readers_accept_or_a_refusal_that_does_not_quote_it(raw: str) -> None:
    EMAIL.recognises(raw)
    normal = outcome(raw)
    if isinstance(normal, Rejected):
        assert len(raw) < 12 or raw not in normal.message
        return
    assert is_email(normal)
    assert value(normal) == normal
    assert EMAIL.recognises(normal)


def test_name_next_to_an_address_is_not_in_the_report() -> None:
    normal = EMAIL.normalise(refang('"Some Body" <someone@example.com>'))
    assert "body" not in str(normal).lower()


@pytest.mark.parametrize(
    ("raw", "reason", "likely"),
    [
        ("someone@okbank", "alias-not-email", "payment-alias"),
        ("@someone", "handle-not-email", "social-account"),
        ("https://shop.example.com/?a@example.com", "url-not-email", "url"),
        ("a@example.com b@example.com", "email-form", "one @"),
        ("A <a@example.com>, B <b@example.com>", "several-values", "own row"),
        ("mailto:a@example.com,b@example.com", "several-values", "own row"),
        ('"some one"@example.com', "email-form", "mailbox"),
        ("someone@example", "alias-not-email", "no domain"),
        ("someone@localhost", "email-form", "with a dot"),
        ("someone@printer.local", "unknown-suffix", "no mail"),
        ("someone@192.0.2.7", "email-form", "with a dot"),
        ("someone@ex_ample.com", "email-form", "with a dot"),
        ("a/b@example.com", "mailbox-form", "before the @"),
        ("x" * 1100 + "@example.com", "email-form", "longer"),
    ],
)
def test_malformed_address_is_refused_with_its_likely_kind(raw: str, reason: str, likely: str) -> None:
    refused = refusal(raw)
    assert refused.reason == reason
    assert likely in refused.message


@pytest.mark.parametrize(
    ("raw", "recognised"),
    [
        ("someone@example.com", True),
        ("Some.One+tag@Example.co.th", True),
        ("mailto:someone@example.com?subject=x", True),
        ("someone@ตัวอย่าง.com", True),
        ("someone@okbank", False),
        ("@someone", False),
        ("someone@example.nosuffix", False),
        ("https://shop.example.com/@someone", False),
        ("user:someone@example.com", False),
        ("shop.example.com", False),
        ("", False),
    ],
)
def test_an_address_is_recognised_by_a_mailbox_and_a_known_suffix(raw: str, recognised: bool) -> None:
    assert EMAIL.recognises(raw) is recognised

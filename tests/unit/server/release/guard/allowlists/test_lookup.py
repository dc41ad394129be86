"""A value on an allowlist is held for review. Scams on a shared service, or next to a listed value, are not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings, strategies as st

from schemas import kinds
from schemas.errors import Rejected
from schemas.report import Report
from schemas.tabular import ReportReader
from server.release.guard.allowlists import folder
from server.release.guard.allowlists.catalogue import ALLOWLISTS, EntryType
from server.release.guard.allowlists.index import AllowlistIndex
from server.release.guard.allowlists.lookup import Allowlists

INDEX = AllowlistIndex()
BUNDLED = Allowlists()


def matched(kind: str, value: str, lists: Allowlists = BUNDLED) -> str | None:
    """Return the name of the list that contains a value as it would be reported."""
    reader = ReportReader({"reporter": "Example Bank", "reported_at": "2026-05-01T08:00:00.000Z"})
    found = lists.match(reader.report({"kind": kind, "value": value}))
    if found is None:
        return None
    assert f"list {found.list}" in found.message
    assert value not in found.message
    return found.list


def passing(hosts: list[str]) -> list[str]:
    """Return the hosts that match no list when reported as domains."""
    without_match = []
    for host in hosts:
        try:
            value = kinds.get("domain").normalise(host).value
        except Rejected:
            continue
        if BUNDLED.match(cast(Report, SimpleNamespace(kind="domain", value=value))) is None:
            without_match.append(host)
    return without_match


@pytest.mark.parametrize(
    "name",
    ["tranco10k", "majestic_million", "moz-top500", "cisco_top5k", "alexa", "bank-website", "university_domains"],
)
def test_every_site_of_a_list_matches(name: str) -> None:
    entries = list(folder.read(ALLOWLISTS[name]).entries)
    assert len(entries) >= 500
    assert passing(entries) == []
    assert passing([f"www.{host}" for host in entries]) == []


def test_every_host_below_a_banks_domain_matches() -> None:
    assert passing([f"login.{host}" for host in folder.read(ALLOWLISTS["bank-website"]).entries]) == []


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("domain", "google.com", "owned-sites"),
        ("domain", "accounts.google.com", "owned-sites"),
        ("domain", "login.hsbc.com", "bank-website"),
        ("domain", "bit.ly", "url-shortener"),
        ("domain", "treasury.gov.example.com", None),
        ("domain", "registry.go.th", "public-bodies"),
        ("domain", "go.it.example.org", None),
        ("domain", "kasikornbank.com.example.net", None),
        ("domain", "hsbc.com.secure-login.example.net", None),
        ("domain", "shop.blogspot.com", None),
        ("domain", "shop.duckdns.org", None),
        ("url", "https://www.google.com/", "owned-sites"),
        ("url", "https://docs.google.com/forms/d/e/abc/viewform", None),
        ("url", "https://accounts.google.com/signin", "owned-sites"),
        ("url", "https://www.facebook.com/some.page", None),
        ("url", "https://bit.ly/abc", None),
        ("url", "https://bit.ly/", "url-shortener"),
        ("url", "https://www.hsbc.com/any/page?x=1", "bank-website"),
        ("url", "https://shop.example.com/pay", None),
        ("url", "https://treasury.gov.au/wp-content/x", None),
        ("url", "http://8.8.8.8/", "shared-addresses"),
        ("url", "http://8.8.8.8/pay", "shared-addresses"),
        ("email", "abuse@gmail.com", "owned-sites"),
        ("email", "someone@hsbc.com", "bank-website"),
        ("email", "postmaster@yahoo.co.jp", "institution-hosts"),
        ("email", "someone@yahoo.co.jp", None),
        ("email", "someone@mail.go.th", "public-bodies"),
        ("email", "abuse@scam.example.com", None),
        ("ip", "8.8.8.8", "shared-addresses"),
        ("ip", "2606:4700:4700::1111", "cloudflare"),
        ("ip", "104.16.1.1", "cloudflare"),
        ("ip", "192.0.2.7", None),
        ("wallet", "0x000000000000000000000000000000000000dEaD", "nobodys-wallets"),
        ("wallet", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "contracts"),
        ("wallet", "34xp4vRoCGJym3xR7yCVPFHoCNxv4Twseo", "exchange-wallets-binance"),
        ("wallet", "0x1111111111111111111111111111111111111111", None),
        ("phone", "+442079460123", "phone_numbers"),
        ("phone", "+12025550123", "phone_numbers"),
        ("phone", "+33199001234", "phone_numbers"),
        ("phone", "+61491570006", "phone_numbers"),
        ("phone", "+66812345678", None),
        ("phone", "TH:1441", "hotlines"),
        ("social-account", "whatsapp:+12025550123", "phone_numbers"),
        ("app", "android:com.android.vending", "system-apps"),
        ("app", "android:com.example.bank", None),
        ("app", "ios:com.apple.mobilesafari", "system-apps"),
        ("bank-account", "GB29NWBK60161331926819", None),
        # Institutions: second domains, all subdomains, mailboxes, hotlines, sender names, apps and accounts.
        ("domain", "scbeasy.com", "institution-sites"),
        ("domain", "online.kasikornbankgroup.com", "institution-sites"),
        ("domain", "www.scbeasy.com", "institution-sites"),
        ("url", "https://www.scbeasy.com/v1.4/site/presignon/index.asp", "institution-sites"),
        ("domain", "scbeasy.com.example.net", None),
        ("domain", "scb-easy.com", None),
        ("domain", "ais.co.th", "institution-hosts"),
        ("domain", "myais.ais.co.th", "institution-hosts"),
        ("domain", "vcbdigibank.vn", "institution-sites"),
        ("domain", "maybank2u.com.my", "institution-sites"),
        ("domain", "fca.org.uk", "institution-sites"),
        ("domain", "sec.or.th", "bank-website"),
        ("domain", "r3.o.lencr.org", "institution-hosts"),
        ("url", "http://r3.o.lencr.org/", "institution-hosts"),
        ("domain", "a.root-servers.net", "institution-hosts"),
        ("domain", "dns.google", "closed-domains"),
        ("domain", "mozilla.cloudflare-dns.com", "institution-hosts"),
        ("domain", "th.wikipedia.org", "institution-hosts"),
        ("domain", "meet.jit.si", "institution-hosts"),
        ("domain", "chula.ac.th", "university_domains"),
        ("email", "contact@scb.co.th", "bank-website"),
        ("email", "someone@t-online.de", None),
        ("ip", "198.41.0.4", "shared-addresses"),
        ("url", "https://1.1.1.1/dns-query?dns=x", "shared-addresses"),
        ("url", "https://192.0.2.7/dns-query", None),
        ("url", "https://dns.quad9.net/dns-query", "institution-hosts"),
        ("ip", "2001:503:ba3e::2:30", "shared-addresses"),
        ("ip", "185.199.108.153", "shared-addresses"),
        ("ip", "76.76.21.21", "shared-addresses"),
        ("phone", "TH:1213", "institution-numbers"),
        ("phone", "+6628888888", "institution-numbers"),
        ("phone", "TH:KBANK", "institution-numbers"),
        ("phone", "VN:VIETCOMBANK", "institution-numbers"),
        ("phone", "TH:K BANK", "institution-numbers"),
        ("phone", "TH:K.BANK", "institution-numbers"),
        ("phone", "TH:KBANK-SMS", None),
        ("phone", "MY:KBANK", None),
        # Pages of a platform for all its users, and those of one of them.
        ("url", "https://www.facebook.com/marketplace/", "institution-platforms"),
        ("url", "https://www.facebook.com/marketplace/item/1234567890123456/", None),
        ("url", "https://www.facebook.com/watch", "institution-platforms"),
        ("url", "https://www.facebook.com/watch/?v=1234567890", None),
        ("url", "https://www.tiktok.com/shop", "institution-platforms"),
        ("url", "https://shopee.co.th/mall", "institution-platforms"),
        ("url", "https://shopee.co.th/Example-i.123456789.9876543210", None),
        ("url", "https://produto.mercadolivre.com.br/MLB-1234567890-example-_JM", None),
        ("url", "https://www.carousell.sg/p/example-thing-1234567890/", None),
        ("social-account", "shopee:example_shop@shopee.co.th", None),
        ("phone", "DE:116117", "public-numbers"),
        ("phone", "TH:4567", None),
        ("social-account", "whatsapp:+6628888888", "institution-numbers"),
        ("social-account", "facebook:KBankLive", "institution-accounts"),
        ("social-account", "facebook:KBankLive.support", None),
        ("url", "https://www.facebook.com/KBankLive", "institution-accounts"),
        ("app", "android:com.kasikorn.retail.mbanking.wap", "institution-apps"),
        ("url", "https://play.google.com/store/apps/details?id=com.kasikorn.retail.mbanking.wap", "institution-apps"),
        ("wallet", "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D", "contracts"),
        ("wallet", "0x00000000219ab540356cBB839Cbe05303d7705Fa", "contracts"),
        ("wallet", "0x71660c4005BA85c37ccec55d0C4493E66Fe775d3", "exchange-wallets"),
        ("wallet", "0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984", "token-contracts"),
        # Names below a site's own domain belong to its owner; below a domain open to strangers, to them.
        ("domain", "chat.signal.org", "institution-hosts"),
        ("domain", "www.chat.signal.org", "institution-hosts"),
        ("domain", "a.b.chat.signal.org", "institution-hosts"),
        ("domain", "signal.org.chat.example.net", None),
        ("domain", "chat-signal.org", None),
        ("domain", "shop.pages.dev", None),
        ("domain", "shop.github.io", None),
        ("domain", "shop.blogspot.de", None),
        ("domain", "shop.wixsite.com", None),
        ("domain", "shop.weebly.com", None),
        ("domain", "shop.s3.amazonaws.com", None),
        ("domain", "shop.oss-eu-west-1.aliyuncs.com", None),
        ("domain", "webnode.com", "hosting-sites"),
        ("url", "https://updates.signal.org/any/page", "institution-hosts"),
        ("url", "https://shop.weebly.com/login", None),
        ("url", "https://sites.google.com/view/login", None),
        # The login page of a site whose other pages belong to its users.
        ("url", "https://facebook.com/login", "institution-platforms"),
        ("url", "https://www.facebook.com/login/?next=https%3A%2F%2Fa.example.com", "institution-platforms"),
        ("url", "http://m.facebook.com/login.php", "user-content"),
        ("url", "https://www.facebook.com/LOGIN/identify", "institution-platforms"),
        ("url", "https://facebook.com//login", "institution-platforms"),
        ("url", "https://www.instagram.com/accounts/login/", "user-content"),
        ("url", "https://x.com/i/flow/login", "institution-platforms"),
        ("url", "https://github.com/login", "user-content"),
        ("url", "https://member.lazada.co.th/user/login", "institution-platforms"),
        ("url", "https://accounts.shopee.co.th/x", "institution-platforms"),
        ("url", "https://cf.shopee.co.th/file/x", None),
        ("url", "https://www.linkedin.com/uas/login", "institution-platforms"),
        ("url", "https://www.facebook.com/login.page.of.a.scam", None),
        ("url", "https://github.com/someone/login", None),
        ("url", "https://t.me/login", "short-links"),
        ("url", "https://bit.ly/login", None),
    ],
)
def test_each_value_matches_its_list(kind: str, value: str, name: str | None) -> None:
    assert matched(kind, value) == name


def test_documentation_values_match_only_if_configured() -> None:
    examples = [
        ("bank-account", "GB29NWBK60161331926819"),
        ("phone", "+66812345678"),
        ("ip", "192.0.2.7"),
        ("domain", "shop.example.com"),
        ("url", "https://shop.example.com/pay"),
        ("email", "someone@example.org"),
    ]
    assert [matched(kind, value) for kind, value in examples] == [None] * len(examples)
    lists = Allowlists(documentation_values=True)
    assert None not in [matched(kind, value, lists) for kind, value in examples]
    assert matched("domain", "notexample.com", lists) is None


def test_every_list_but_the_operators_own_has_entries() -> None:
    empty = {name for name in ALLOWLISTS if not folder.read(ALLOWLISTS[name]).entries}
    assert empty == {name for name in ALLOWLISTS if name.startswith("local-")}


@given(st.sampled_from(sorted(INDEX.owned)), st.from_regex(r"[a-z]{1,8}", fullmatch=True))
@settings(deadline=None)
def test_a_name_that_only_looks_like_an_owners_does_not_match(host: str, label: str) -> None:
    """A name with the same ending but without a dot before it belongs to another owner."""
    other = f"{label}-{host.partition('.')[0]}.example.net"
    assert BUNDLED.match(cast(Report, SimpleNamespace(kind="domain", value=other))) is None


@given(st.ip_addresses(v=4))
@settings(deadline=None)
def test_an_address_matches_exactly_if_a_listed_network_contains_it(address: Any) -> None:
    starts, ends = INDEX.addresses[4]
    number = int(address)
    among = any(first <= number <= last for first, (last, _) in zip(starts, ends, strict=True))
    assert (INDEX.network(str(address)) is not None) is among


def test_every_list_has_a_description_and_advice() -> None:
    assert all(allowlist.what and allowlist.instead for allowlist in ALLOWLISTS.values())
    assert {allowlist.entry_type for allowlist in ALLOWLISTS.values()} == set(EntryType)


def test_the_page_about_the_guard_names_every_list() -> None:
    page = (Path(__file__).parents[6] / "docs" / "guard.md").read_text(encoding="utf-8")
    assert {name for name in ALLOWLISTS if f"`{name}`" not in page} == set()


def test_every_list_that_is_bundled_has_its_source() -> None:
    sources = (folder.BUNDLED / "SOURCES.md").read_text(encoding="utf-8")
    assert {
        name for name in ALLOWLISTS if folder.read(ALLOWLISTS[name]).entries and f"`{name}`" not in sources
    } == set()

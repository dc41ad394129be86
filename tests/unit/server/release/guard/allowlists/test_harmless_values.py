"""The guard accepts few harmless values of any kind; scams at their neighbours can still be reported."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import kinds
from schemas.errors import Rejected
from schemas.report import Report
from schemas.tabular import ReportReader
from server.release.guard.allowlists import company_forms
from server.release.guard.allowlists.lookup import Allowlists

VALUES = Path(__file__).with_name("harmless_values.tsv")
READER = ReportReader({"reporter": "Example Bank", "reported_at": "2026-05-01T08:00:00.000Z"})
BUNDLED = Allowlists()
# Of all values, and of those of each kind.
MOST_PASSING, MOST_OF_A_KIND = 0.05, 0.10
FEWEST = 300


def rows() -> Iterator[dict[str, str]]:
    for line in VALUES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, value, more = line.split("\t")
            yield {"kind": kind, "value": value, **dict(column.split("=", 1) for column in more.split(";") if column)}


def read(row: dict[str, str]) -> Report | None:
    """Return the report, or None if a value is refused and therefore not published."""
    try:
        return READER.report(row)
    except Rejected:
        return None


def matched(kind: str, value: str, **more: str) -> str | None:
    report = READER.report({"kind": kind, "value": value, **more})
    found = BUNDLED.match(report)
    return None if found is None else found.list


def test_few_harmless_values_pass() -> None:
    every, passing = Counter(row["kind"] for row in rows()), Counter[str]()
    for row in rows():
        report = read(row)
        if report is not None and BUNDLED.match(report) is None:
            passing[row["kind"]] += 1
    assert every.total() >= FEWEST
    assert every.keys() == kinds.every().keys()
    assert passing.total() <= MOST_PASSING * every.total(), passing
    assert {kind: count for kind, count in passing.items() if count > MOST_OF_A_KIND * every[kind]} == {}


@pytest.mark.parametrize(
    ("host", "pages_of_customers"),
    [
        ("sqs.eu-west-3.amazonaws.com", False),
        ("iam.amazonaws.com", False),
        ("vision.googleapis.com", False),
        ("commondatastorage.googleapis.com", True),
        ("portal.azure.com", False),
        ("batch.core.windows.net", False),
    ],
)
def test_a_cloud_providers_service_is_held_with_its_pages(host: str, pages_of_customers: bool) -> None:
    assert matched("domain", host) is not None
    assert (matched("url", f"https://{host}/bucket/login.html") is None) == pages_of_customers


@pytest.mark.parametrize(
    "host",
    [
        "login-bank.s3.amazonaws.com",
        "login-bank.s3.eu-west-1.amazonaws.com",
        "login-bank.s3-website-us-east-1.amazonaws.com",
        "abc123.execute-api.us-east-1.amazonaws.com",
        "ec2-1-2-3-4.us-west-2.compute.amazonaws.com",
        "bank-1234.us-east-1.elb.amazonaws.com",
        "bank.blob.core.windows.net",
        "bank.z13.web.core.windows.net",
        "bank.eastus.cloudapp.azure.com",
        "bank.azurewebsites.net",
        "d111111abcdef8.cloudfront.net",
        "bank-login.storage.googleapis.com",
        "bank-team.slack.com",
        "bank-login.weebly.com",
    ],
)
def test_a_customers_host_at_a_cloud_provider_passes(host: str) -> None:
    assert matched("url", f"https://{host}/login") is None
    assert matched("url", f"https://{host}/") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/bank-login/index.html",
        "https://s3.us-east-1.amazonaws.com/bank-login/index.html",
        "https://discord.com/api/webhooks/123/abc",
        "https://onedrive.live.com/download?cid=1",
        "https://www.google.com/url?q=https://bad.example.com",
        "https://bit.ly/3AbCdEf",
        "https://play.google.com/store/apps/details?id=com.bad.example",
        "https://dev.azure.com/bad/_git/kit",
    ],
)
def test_a_users_page_passes(url: str) -> None:
    assert matched("url", url) is None


@pytest.mark.parametrize("label", ["api", "login", "status", "www"])
def test_reserved_name_below_a_well_known_provider_is_held(label: str) -> None:
    assert matched("domain", f"{label}.slack.com") is not None
    assert matched("domain", f"{label}.duckdns.org") != "hosting-sites"


@pytest.mark.parametrize("url", ["https://bit.ly/+", "https://bit.ly/", "https://bit.ly//", "https://tinyurl.com/."])
def test_a_path_without_a_name_is_the_start_page(url: str) -> None:
    assert matched("url", url) is not None


@pytest.mark.parametrize("url", ["https://www.google.com/search?q=a", "https://www.youtube.com/results?search_query=a"])
def test_search_page_of_a_service_is_held(url: str) -> None:
    assert matched("url", url) is not None


@pytest.mark.parametrize(
    "address",
    ["192.88.99.254", "192.31.196.7", "192.52.193.9", "192.175.48.6", "2620:4f:8000::42"],
)
def test_an_address_of_a_special_network_is_held(address: str) -> None:
    assert matched("ip", address) == "special-addresses"
    host = f"[{address}]" if ":" in address else address
    assert matched("url", f"https://{host}/") == "special-addresses"


@pytest.mark.parametrize(
    "address", ["192.88.98.1", "192.31.197.1", "192.175.47.1", "2003:102:304::5", "2620:4f:8001::"]
)
def test_address_next_to_a_special_network_passes(address: str) -> None:
    assert matched("ip", address) is None


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        ("DE24500000000000012345", {}),
        ("316385", {"country": "AU", "bank": "093003"}),
        ("12001020", {"country": "GB", "bank": "083210"}),
    ],
)
def test_an_account_at_a_central_bank_is_held(value: str, columns: dict[str, str]) -> None:
    try:
        found = matched("bank-account", value, **columns)
    except Rejected as refusal:
        pytest.fail(f"the example is no account: {refusal.reason}")
    assert found in ("central-banks", "official-accounts")


def test_an_account_at_another_bank_passes() -> None:
    assert matched("bank-account", "DE89370400440532013000") is None
    assert matched("bank-account", "316385", country="AU", bank="062000") is None


@pytest.mark.parametrize(
    ("name", "held"),
    [("kasikornbank", True), ("KasikornBank", True), ("kasikornbank.th.help", False), ("some.page", False)],
)
def test_an_account_with_the_exact_name_of_a_site_is_held(name: str, held: bool) -> None:
    for platform in ("facebook", "instagram", "linkedin"):
        assert (matched("social-account", name, platform=platform) is not None) == held


@pytest.mark.parametrize("name", ["com.kasikornbank.newapp", "com.paypal.android.wallet", "uk.co.hsbc.anything"])
def test_an_app_in_an_owners_namespace_is_held(name: str) -> None:
    assert matched("app", f"android:{name}") is not None


@pytest.mark.parametrize("name", ["com.kasikornbankth.app", "org.paypal.wallet.free", "com.example.bank"])
def test_app_next_to_an_owner_namespace_passes(name: str) -> None:
    assert matched("app", f"android:{name}") is None


@pytest.mark.parametrize(("host", "held"), [("x.ac.th", True), ("www.x.ac.th", True), ("login.x.ac.th", False)])
def test_a_schools_own_site_is_held_and_no_host_below(host: str, held: bool) -> None:
    assert (matched("domain", host.replace("x", "newschool")) == "schools") == held


def test_a_mailbox_of_a_school_passes_and_a_public_bodys_is_held() -> None:
    assert matched("email", "somebody@newschool.ac.th") is None
    assert matched("email", "somebody@newbody.go.th") == "public-bodies"


def test_a_domain_with_an_ending_of_one_company_is_held() -> None:
    assert matched("domain", "login.barclays") == "closed-domains"
    assert matched("url", "https://anything.hsbc/page") == "closed-domains"
    assert matched("domain", "barclays.online") is None


def test_the_tax_number_of_a_public_body_is_held() -> None:
    assert matched("payment-alias", "promptpay:0994000158378") == "public-aliases"
    assert matched("payment-alias", "promptpay:0812345678") is None


def test_a_number_of_the_range_of_public_bodies_is_held() -> None:
    assert matched("phone", "0300 123 4567", country="GB") == "public-numbers"
    assert matched("phone", "1750", country="TH") == "public-numbers"
    assert matched("phone", "0330 123 4567", country="GB") is None


@pytest.mark.parametrize(
    ("number", "list_"),
    [
        ("+6623456000", "main-numbers"),
        ("+6623456777", "main-numbers"),
        ("+6623456001", None),
        ("+66812345000", None),
        ("+12025557000", "main-numbers"),
        ("+12025557777", None),
        ("+18002347000", "main-numbers"),
        ("+18002347777", None),
        ("+493018305000", "main-numbers"),
        ("+49695432", "main-numbers"),
        ("+4969543217", None),
        ("+442079460018", "phone_numbers"),
        ("+443031231113", "public-numbers"),
        ("+443301231113", None),
        ("+862195588", "public-numbers"),
    ],
)
def test_number_reserved_for_institutions_is_held(number: str, list_: str | None) -> None:
    assert matched("phone", number) == list_


@pytest.mark.parametrize(
    ("company", "held"),
    [
        ("TH:0107536000315", True),
        ("TH:0105536000315", False),
        ("GB:00106740", True),
        ("GB:13106740", False),
        ("GB:RC000042", True),
        ("IN:L17110MH1973PLC019786", True),
        ("IN:U17110MH2021PTC019786", False),
        ("FR:130025265", True),
        ("FR:552120222", False),
        ("JP:7000012050002", True),
        ("SG:197401143C", True),
    ],
)
def test_a_company_of_long_standing_or_a_public_body_is_held(company: str, held: bool) -> None:
    found = company_forms.match_established_company(company)
    assert (found is not None) == held


@pytest.mark.parametrize(
    ("account", "held"),
    [
        ("twitter:hdfcbank", True),
        ("telegram:coinbase", True),
        ("telegram:coinbase_help", False),
        ("facebook:wordpress", True),
        ("line:wordpress", False),
        ("line:kasikornbank", True),
        ("linkedin:bank-of-america", True),
        ("tiktok:lazada_th", True),
        ("tiktok:lazada_th_shop", False),
        ("facebook:krungthaibank", True),
        ("instagram:krungthai.bank", False),
        ("mastodon:kasikornbank@example.com", False),
    ],
)
def test_an_account_with_an_owners_exact_name_is_held_on_every_platform(account: str, held: bool) -> None:
    platform, _, name = account.partition(":")
    assert (matched("social-account", name, platform=platform) is not None) == held


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("com.krungsri.newapp", True),
        ("de.comdirect.newapp", True),
        ("co.uk.nationwide.newapp", True),
        ("com.krungsrith.newapp", False),
        ("com.police.newapp", False),
        ("org.krungsri.newapp", False),
        ("com.com.krungsri", False),
    ],
)
def test_an_app_that_begins_with_a_companys_name_is_held(name: str, held: bool) -> None:
    assert (matched("app", f"android:{name}") is not None) == held


@pytest.mark.parametrize("host", ["identity.uk-london-1.oraclecloud.com", "rds.cn-hangzhou.aliyuncs.com"])
def test_a_service_of_a_region_is_held(host: str) -> None:
    assert matched("domain", host) == "cloud-services"
    assert matched("url", f"https://{host}/") == "cloud-services"


def test_a_file_of_a_customer_at_a_regions_storage_passes() -> None:
    assert matched("url", "https://objectstorage.uk-london-1.oraclecloud.com/n/abc/b/kit/o/login.html") is None
    assert matched("domain", "kit.obs.ap-southeast-2.myhuaweicloud.com") is None


def test_help_pages_of_a_platform_are_held() -> None:
    assert matched("url", "https://www.lazada.co.th/helpcenter/payments.html") is not None
    assert matched("url", "https://www.lazada.co.th/shop/somebody") is None


def test_every_address_of_a_resolvers_network_is_held() -> None:
    assert matched("ip", "9.9.9.77") is not None
    assert matched("ip", "9.9.10.9") is None

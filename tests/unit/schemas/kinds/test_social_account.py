"""Social accounts: names and addresses of one account, and values of other kinds."""

import pytest
from hypothesis import given, strategies as st

from schemas import kinds
from schemas.errors import Rejected
from schemas.kind import Normal, ValueExample
from schemas.kinds.social_account import SocialAccount
from schemas.refang import refang
from schemas.reference.hosts import split_address
from schemas.reference.sites import PLATFORMS, Site, word_key

ACCOUNT = SocialAccount()
EXAMPLES = list(ACCOUNT.examples())
ACCEPTED = [example for example in EXAMPLES if example.value and not example.given]
NAMES = [platform.name for platform in PLATFORMS.every]


def refusal(raw: str, **columns: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        ACCOUNT.normalise(raw, columns)
    return caught.value


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return ACCOUNT.normalise(raw, columns)
    except Rejected as refused:
        return refused


def read(raw: str, **columns: str) -> str:
    return ACCOUNT.normalise(refang(raw), columns).value


def test_every_word_host_and_name_means_one_platform() -> None:
    meanings: dict[str, str] = {}
    for platform in PLATFORMS.every:
        for word in (platform.name, *platform.words.split(), *platform.hosts.split()):
            assert meanings.setdefault(word_key(word), platform.name) == platform.name, word


@pytest.mark.parametrize("platform", PLATFORMS.every, ids=NAMES)
def test_every_platform_is_in_an_example_or_has_a_handle(platform: Site) -> None:
    shown = any(example.value and example.value.startswith(platform.name + ":") for example in EXAMPLES)
    assert shown or PLATFORMS.read_name(platform, "@example_1")


@pytest.mark.parametrize(
    "way",
    [
        "{}",
        "{}/",
        "{}?utm_source=x&fbclid=y",
        "{}#top",
        "{}/?ref=%20",
        "  {}  ",
    ],
)
@pytest.mark.parametrize(
    "start", ["https://", "http://", "hxxps://", "HTTPS://WWW.", "https://m.", "", "www.", "https://user@"]
)
@pytest.mark.parametrize(
    ("page", "value"),
    [
        ("facebook.com/example.page", "facebook:examplepage"),
        ("instagram.com/example.name", "instagram:example.name"),
        ("tiktok.com/@example", "tiktok:example"),
        ("x.com/example", "twitter:example"),
        ("youtube.com/@example", "youtube:example"),
        ("linkedin.com/in/example-name", "linkedin:example-name"),
        ("t.me/example_name", "telegram:example_name"),
        ("reddit.com/r/example", "reddit:r/example"),
        ("line.me/R/ti/p/@example", "line:@example"),
    ],
)
def test_profile_is_one_account_in_every_spelling_of_its_address(page: str, value: str, start: str, way: str) -> None:
    address = way.format(start + page)
    if start != "https://user@":
        assert ACCOUNT.recognises(refang(address))
    assert read(address) == value


@pytest.mark.parametrize(
    "url",
    [
        "https://facebook.com@shop.example.com/example",
        "https://shop.example.com/facebook.com/example",
        "https://facebook.com.shop.example.com/example",
        "https://shop.example.com/?next=https://facebook.com/example",
        "https://faceb00k.example/example",
        "https://xfacebook.com/example",
        "https://shop.example.com\\@facebook.com/example",
    ],
)
def test_an_address_that_imitates_a_platform_is_refused(url: str) -> None:
    assert not PLATFORMS.is_own_page(url)
    assert refusal(url).reason == "not-a-platform"


def test_userinfo_in_front_of_a_platform_does_not_hide_it() -> None:
    assert read("https://bank.example.com%E2%88%95login@t.me/example_name") == "telegram:example_name"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.facebook.com/examplepage%2Fposts",
        "https://t.me/example%00name",
        "https://t.me/еxample_name",
        "https://t.me/exam%20ple",
        "https://x.com/ſample",
        "https://x.com/\u0130stanbul",
    ],
)
def test_an_address_with_letters_that_no_handle_has_names_no_account(url: str) -> None:
    assert isinstance(refused := outcome(url, {}), Rejected)
    assert refused.reason == "not-an-account"


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("https://www.youtube.com/watch?v=AbCdEfGhIjK", "report it as a URL"),
        ("someone@example.com", "e-mail address"),
        ("+66812345678", "telephone number"),
        ("Example Person", "a name that an account shows"),
    ],
)
def test_a_refusal_names_the_likely_kind(raw: str, meaning: str) -> None:
    assert meaning in refusal(raw).message


def test_a_number_that_may_be_a_telephones_or_an_accounts_is_refused() -> None:
    assert refusal("66812345678", platform="telegram").reason == "handle-form"
    assert read("+66812345678", platform="telegram") == "telegram:+66812345678"
    assert read("id=66812345678", platform="telegram") == "telegram:id=66812345678"


def test_a_post_is_a_url_unless_it_is_reported_as_an_account() -> None:
    post = "https://x.com/example/status/1"
    assert kinds.recognise(post).name == "url"
    assert read(post) == "twitter:example"


def test_a_handle_without_its_platform_is_not_recognised() -> None:
    for handle in ("@example", "@example.name", "example_name", "u/example"):
        assert not [name for name, kind in kinds.every().items() if kind.recognises(handle)]


def test_case_is_kept_if_it_counts_and_lost_case_is_refused() -> None:
    assert read("https://t.me/+AbCdEfGhIjKlMnOp") != read("https://t.me/+abcdefghijklmnop")
    assert "capital" in refusal("uc0123456789abcdefabcdef", platform="youtube").message


def test_a_persons_line_id_and_an_official_account_of_that_name_are_two() -> None:
    assert read("example", platform="line") != read("@example", platform="line")


@given(st.sampled_from(ACCEPTED), st.sampled_from(["\u200b", "\u00ad", "\u2060"]), st.integers(min_value=0))
def test_invisible_characters_make_no_other_account(example: ValueExample, hidden: str, at: int) -> None:
    at %= len(example.raw) + 1
    assert read(example.raw[:at] + hidden + example.raw[at:]) == example.value


ANY = st.text(max_size=60) | st.text("abcUC0123456789@:/._-+=#?&%~ ", max_size=60)
ADDRESS = st.builds(
    "https://{}/{}".format,
    st.sampled_from([host for platform in PLATFORMS.every for host in platform.hosts.split()]),
    st.text("abC019@._-+/%=?&#~é ", max_size=40),
)


@given(ANY | ADDRESS, st.sampled_from(["", *NAMES]))
def test_any_value_is_refused_or_has_a_stable_normal_form(raw: str, platform: str) -> None:
    columns = {"platform": platform} if platform else {}
    ACCOUNT.recognises(raw)
    result = outcome(raw, columns)
    if isinstance(result, Rejected):
        assert len(raw) < 8 or raw not in result.message
    else:
        assert ACCOUNT.normalise(result.value, result.details) == result
        assert refang(result.value) == result.value


@given(ANY)
def test_any_address_is_split_or_refused(raw: str) -> None:
    address = split_address(raw)
    assert address is None or address.host == address.host.casefold()


def test_an_address_with_too_many_parameters_is_refused() -> None:
    assert split_address("https://t.me/example_name?" + "a=1&" * 200) is None
    assert not ACCOUNT.recognises("https://t.me/example_name?" + "a=1&" * 200)


def test_hostile_values_take_linear_time() -> None:
    for filling in ("a.", "@", "a@", "a-", "(", "+", ":", "/", "ก"):
        ACCOUNT.recognises(filling * 1000)
        assert refusal(filling * 1000, platform="mastodon")

"""Apps: names and addresses of the same app, and invalid values."""

import pytest
from hypothesis import given, strategies as st

from schemas import kinds
from schemas.errors import Rejected
from schemas.kind import Normal
from schemas.kinds.app import App
from schemas.refang import refang
from schemas.reference.sites import STORES, word_key

APP = App()
PACKAGE = "com.example.bank"


def refusal(raw: str, **columns: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        APP.normalise(raw, columns)
    return caught.value


def read(raw: str, **columns: str) -> str:
    return APP.normalise(refang(raw), columns).value


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return APP.normalise(raw, columns)
    except Rejected as refused:
        return refused


def test_every_word_host_and_name_means_one_store() -> None:
    meanings: dict[str, str] = {}
    for store in STORES.every:
        for word in (store.name, *store.words.split(), *store.hosts.split()):
            assert meanings.setdefault(word_key(word), store.name) == store.name, word


def test_a_package_and_a_bundle_of_the_same_text_are_two_apps() -> None:
    assert read(PACKAGE, os="android") != read(PACKAGE, os="ios")
    assert refusal(PACKAGE).reason == "os-missing"


def test_package_is_one_app_in_every_store() -> None:
    assert {
        read(f"https://play.google.com/store/apps/details?id={PACKAGE}"),
        read(f"https://apkpure.com/example/{PACKAGE}"),
        read(PACKAGE, store="Google Play"),
        read(PACKAGE, store="samsung", os="Android"),
        read(PACKAGE, os="แอนดรอยด์"),
    } == {f"android:{PACKAGE}"}


def test_case_counts_in_a_package_and_not_in_a_bundle() -> None:
    assert read("com.Example.bank", os="android") != read(PACKAGE, os="android")
    assert read("com.Example.bank", os="ios") == read(PACKAGE, os="ios")


def test_app_number_of_one_store_is_invalid_in_another() -> None:
    assert read("id1234567890") == "app-store:1234567890"
    assert refusal("1234567890", os="android").reason == "app-form"


@pytest.mark.parametrize(
    "url", ["https://play.google.com/store/apps/details?id=" + PACKAGE, "market://details?id=" + PACKAGE]
)
def test_an_app_in_a_store_is_recognised_as_the_app(url: str) -> None:
    assert kinds.recognise(url).name == "app"


@pytest.mark.parametrize(
    "text", ["example.app", "app.example.com", "com.example.com", "com.my-shop.app", "org.example.top"]
)
def test_a_domain_is_not_recognised_as_an_app(text: str) -> None:
    assert not APP.recognises(text)


@pytest.mark.parametrize("text", [PACKAGE, "com.easy.app", "com.example.loan", "net.example.wallet.vip"])
def test_a_name_that_may_be_a_package_or_a_domain_is_ambiguous(text: str) -> None:
    with pytest.raises(Rejected) as refusal:
        kinds.recognise(text)
    assert refusal.value.reason == "kind-ambiguous"


@pytest.mark.parametrize("text", ["com.example.bankapp", "th.co.example.kplus", "com.Example.MobileBanking"])
def test_a_name_that_cannot_be_a_domain_is_recognised_as_an_app(text: str) -> None:
    assert kinds.recognise(text).name == "app"
    assert APP.normalise(text, {"os": "android"}).value == f"android:{text}"


@pytest.mark.parametrize(
    "url",
    [
        "https://play.google.com@shop.example.com/store/apps/details?id=" + PACKAGE,
        "https://play.google.com.example.com/store/apps/details?id=" + PACKAGE,
        "https://shop.example.com/store/apps/details?id=" + PACKAGE,
    ],
)
def test_an_address_that_imitates_a_store_is_refused(url: str) -> None:
    assert not STORES.is_own_page(url)
    assert refusal(url).reason == "url-not-app"


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("0123456789abcdef" * 4, "sha256"),
        ("example-bank.apk", "the name of a file"),
        ("Example Bank", "name that people read"),
        ("https://shop.example.com/bank.apk", "report it as a URL"),
    ],
)
def test_a_refusal_names_the_likely_kind(raw: str, meaning: str) -> None:
    assert meaning in refusal(raw).message


ANY = st.text(max_size=60) | st.text("abcZ0189._:/-=?#& ", max_size=60)
WORDS = st.sampled_from(["", "android", "ios", "App Store", "appgallery", "testflight", "microsoft-store", "firefox"])


@given(ANY, WORDS)
def test_any_value_is_refused_or_has_a_stable_normal_form(raw: str, store: str) -> None:
    APP.recognises(raw)
    result = outcome(raw, {"store": store} if store else {})
    if isinstance(result, Rejected):
        assert len(raw) < 8 or raw not in result.message
    else:
        assert APP.normalise(result.value, result.details) == result
        assert refang(result.value) == result.value

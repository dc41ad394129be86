"""Wallets: chain names, payment URIs, recognition."""

import pytest
from hypothesis import given, strategies as st

from schemas.errors import Rejected
from schemas.kind import Normal, ValueExample
from schemas.kinds.wallet import Wallet
from schemas.reference.chains.encodings import base58_encode_check
from schemas.reference.chains.links import chain_of_columns, find_chain, read_payment_uri

WALLET = Wallet()
BTC = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
EVM = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
TRON = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"


def refusal(raw: str, **columns: str) -> str:
    with pytest.raises(Rejected) as caught:
        WALLET.normalise(raw, columns)
    return caught.value.reason


def has_digits(text: str) -> bool:
    """Return True if ``text`` could be an account or number, unlike the words of a message."""
    return sum(char.isdigit() for char in text) > 5


def outcome(raw: str, columns: dict[str, str]) -> Normal | Rejected:
    try:
        return WALLET.normalise(raw, columns)
    except Rejected as refused:
        return refused


@pytest.mark.parametrize("example", list(WALLET.examples()), ids=lambda e: f"{e.raw[:24]}-{'-'.join(e.given.values())}")
def test_an_example_has_its_normal_form_or_its_refusal(example: ValueExample) -> None:
    if example.reason:
        assert refusal(example.raw, **example.given) == example.reason
    else:
        normal = WALLET.normalise(example.raw, example.given)
        assert normal == (example.value, example.details)
        assert WALLET.normalise(normal.value, normal.details) == normal
        assert WALLET.normalise(normal.value).value == normal.value


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("BTC", "bitcoin"),
        ("xbt", "bitcoin"),
        ("Bitcoin (SegWit)", "bitcoin"),
        ("Bitcoin Cash (BCH)", "bitcoin-cash"),
        ("USDT-TRC20", "tron"),
        ("USDT (TRC-20)", "tron"),
        ("Tether ERC 20", "ethereum"),
        ("ETH/ERC20", "ethereum"),
        ("BNB Smart Chain (BEP20)", "bsc"),
        ("Ethereum Classic", "ethereum-classic"),
        ("Avalanche C-Chain", "avalanche"),
        ("บิทคอยน์", "bitcoin"),
        ("USDC", ""),
        ("Tron or Ethereum", None),
        ("somewhere", None),
        ("", None),
    ],
)
def test_a_chain_is_found_by_its_names(name: str, chain: str | None) -> None:
    assert find_chain(name) == chain


def test_the_chain_column_is_preferred_to_the_currency() -> None:
    assert chain_of_columns("Arbitrum", "ETH") == "arbitrum"
    assert chain_of_columns("", "ETH") == "ethereum"
    assert chain_of_columns("USDT", "TRX") == "tron"
    assert chain_of_columns("", "an unknown token") == ""


def test_a_refusal_of_a_wrong_chain_names_the_likely_one() -> None:
    with pytest.raises(Rejected, match="tron"):
        WALLET.normalise(TRON, {"chain": "Bitcoin"})


@pytest.mark.parametrize(
    ("uri", "chain"),
    [
        (f"ethereum:{EVM}", ""),
        (f"ethereum:{EVM}@0x38", "bsc"),
        (f"ethereum:{EVM}@424242", ""),
        (f"eth: {EVM}", ""),
        (f"ETH: {EVM}", "ethereum"),
        (f"Arbitrum One: {EVM}", "arbitrum"),
        (f"eip155:8453:{EVM}", "base"),
    ],
)
def test_the_chain_id_of_an_ethereum_uri_gives_its_chain(uri: str, chain: str) -> None:
    assert WALLET.normalise(uri) == Normal(EVM, {"chain": chain} if chain else {})


def test_a_uri_and_a_column_agree_on_the_more_special_chain() -> None:
    assert WALLET.normalise(f"ethereum:{EVM}", {"chain": "Polygon"}).details == {"chain": "polygon"}
    assert WALLET.normalise(f"ethereum:{EVM}@137", {"chain": "EVM"}).details == {"chain": "polygon"}
    assert refusal(f"ethereum:{EVM}@137", chain="Base") == "wrong-chain"
    assert refusal(f"bitcoin:{BTC}", currency="LTC") == "wrong-chain"


def test_token_transfer_yields_its_recipient_and_not_the_contract() -> None:
    contract = "0x" + "1" * 40
    assert WALLET.normalise(f"ethereum:{contract}/transfer?address={EVM}&uint256=1e6").value == EVM
    assert refusal(f"ethereum:{contract}/transfer?uint256=1") == "wallet-form"


def test_an_x_address_accepts_one_tag_only() -> None:
    plain, tagged = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"
    untagged = "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb"
    assert refusal(f"xrpl:{tagged}?dt=7") == "wallet-form"
    assert WALLET.normalise(f"xrpl:{untagged}?dt=7") == WALLET.normalise(f"xrpl:{plain}?dt=7")


def test_a_wrong_tag_is_refused_and_a_word_is_no_tag() -> None:
    account = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
    assert refusal(f"ripple:{account}?dt=4294967296") == "tag-form"
    assert WALLET.normalise(f"ripple:{account}?dt=x").value == account


@pytest.mark.parametrize("name", ["Token.sol", "example.x", "example.wallet", "example.dao", "report.polygon"])
def test_a_name_that_may_be_a_file_or_a_thing_is_taken_only_as_a_wallet(name: str) -> None:
    assert not WALLET.recognises(name)
    assert WALLET.normalise(name).value == name.lower()


@pytest.mark.parametrize("text", ["https://example.com/x", "line:someone", "12:34", "someone@example.com"])
def test_a_text_that_begins_with_no_chain_is_no_payment_uri(text: str) -> None:
    assert read_payment_uri(text) is None


@pytest.mark.parametrize(
    "raw",
    [
        BTC,
        EVM,
        TRON,
        "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMh",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        f"bitcoin:{BTC}?amount=1",
        f"ethereum:{EVM}@1",
        f"ethereum:{EVM}@11155111",
        "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri",
    ],
)
def test_an_address_is_recognised_even_with_a_wrong_checksum(raw: str) -> None:
    assert WALLET.recognises(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "shop.example.com",
        "https://shop.example.com/pay",
        "someone@example.com",
        "+66812345678",
        "1234567890123456789012345678",
        "DE89370400440532013000",
        "de89370400440532013000",
        "MT84MALT011000012345MTLCAST001S",
        "TH:KASITHBK:1234567890",
        "U4af4980629abcdef1234567891abcdef",
        "5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "telegram:someone",
        "base: someone",
        "bitcoin:" + "x" * 600,
    ],
)
def test_a_value_that_may_be_of_another_kind_is_not_recognised(raw: str) -> None:
    assert not WALLET.recognises(raw)


@given(st.binary(min_size=20, max_size=20))
def test_an_evm_address_has_one_normal_form_in_any_one_case(digest: bytes) -> None:
    digits = digest.hex()
    for spelling in ("0x" + digits, "0x" + digits.upper(), "0X" + digits.upper()):
        assert WALLET.normalise(spelling) == Normal("0x" + digits)


@given(
    st.sampled_from([b"\0", b"\5", b"\x30", b"\x1e", b"\x41", b"\x4c", b"\x1c\xb8"]),
    st.binary(min_size=20, max_size=20),
)
def test_a_base58_address_is_its_own_normal_form(version: bytes, digest: bytes) -> None:
    text = base58_encode_check(version + digest)
    normal = WALLET.normalise(text)
    assert normal.value == text
    assert WALLET.normalise(normal.value, normal.details) == normal
    assert WALLET.recognises(text) or text[8:].isdigit()


@given(st.text(max_size=120), st.text(max_size=20), st.sampled_from(["", "BTC: ", "ethereum:", "ton://", "eip155:"]))
def test_any_value_and_chain_have_a_stable_normal_form_or_a_refusal_that_does_not_quote_them(
    text: str, chain: str, head: str
) -> None:
    raw = head + text
    WALLET.recognises(raw)
    result = outcome(raw, {"chain": chain, "currency": chain})
    if isinstance(result, Rejected):
        assert not has_digits(text) or text not in str(result)
    else:
        assert WALLET.normalise(result.value, result.details) == result

"""Texts that are no address of any chain are refused: keys, signatures, damaged addresses, and random text."""

import pytest
from hypothesis import given, strategies as st

from schemas.errors import Rejected
from schemas.reference import chains
from schemas.reference.chains.address import ChainAddress
from schemas.reference.chains.encodings import BITCOIN, RIPPLE, base58_decode, base58_encode
from tests.unit.schemas.reference.chains.sample_addresses import (
    ALICE,
    CARDANO,
    CASHADDR,
    MONERO,
    SEGWIT_GOOD,
    X_TAGS,
    XRP,
    refusal,
)

SOUND = [
    *(text.lower() for text in SEGWIT_GOOD[1:]),
    *(cash for _, cash in CASHADDR),
    *(legacy for legacy, _ in CASHADDR),
    *CARDANO,
    XRP,
    *X_TAGS,
    *MONERO,
    ALICE,
    "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC",
    "EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF",
]
LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0_-"


def outcome(text: str, chain: str) -> ChainAddress | Rejected:
    try:
        return chains.read(text, chain)
    except Rejected as refused:
        return refused


@given(
    st.binary(max_size=60).flatmap(
        lambda data: st.sampled_from([(data, BITCOIN), (data, RIPPLE)]),
    )
)
def test_base58_is_its_own_inverse(case: tuple[bytes, str]) -> None:
    data, alphabet = case
    assert base58_decode(base58_encode(data, alphabet), alphabet) == data


# BIP-38 and BIP-32, "Test vectors"; the length of a Solana signature.
@pytest.mark.parametrize(
    "text",
    [
        "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
        "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
        base58_encode(bytes(range(1, 65))),
    ],
)
def test_a_key_or_signature_is_no_address(text: str) -> None:
    assert refusal(text) == "not-an-address"


@pytest.mark.parametrize(
    "text", ["bTc1qaqvw2ydrt759mu6sk2yutam7pqr9anxzdyk6xy", "yqv4pchio2u8shz1xzphgusk7yf1kcvchd4vpxkumhh"]
)
def test_damaged_bech32_text_is_no_solana_address(text: str) -> None:
    assert refusal(text) == "wallet-form"


@given(st.sampled_from(SOUND), st.integers(min_value=0), st.sampled_from(LETTERS))
def test_one_wrong_character_is_never_accepted(text: str, at: int, char: str) -> None:
    at %= len(text)
    if text[at] != char:
        with pytest.raises(Rejected):
            chains.read(text[:at] + char + text[at + 1 :])


@given(st.sampled_from(SOUND), st.integers(min_value=0))
def test_swapped_neighbours_are_never_accepted(text: str, at: int) -> None:
    at %= len(text) - 1
    if text[at] != text[at + 1]:
        with pytest.raises(Rejected):
            chains.read(text[:at] + text[at + 1] + text[at] + text[at + 2 :])


@given(st.text(max_size=200) | st.text(LETTERS, min_size=20, max_size=130), st.sampled_from(["", "tron", "evm", "bsc"]))
def test_any_text_is_an_address_or_refused(text: str, chain: str) -> None:
    chains.looks_like_address(text)
    result = outcome(text, chain)
    if isinstance(result, Rejected):
        assert sum(map(str.isdigit, text)) < 6 or text not in str(result)
    else:
        assert chains.read(result.value, result.chain) == result

"""Addresses of chains with special rules, compared with the vectors of their specifications."""

import base64
import binascii

import pytest
from Crypto.Hash import keccak
from hypothesis import given, strategies as st

from schemas.reference import chains
from schemas.reference.chains.address import ChainAddress
from schemas.reference.chains.encodings import BECH32, BECH32M, RIPPLE, base58_encode, base58_encode_check
from schemas.reference.chains.memos import with_memo
from tests.unit.schemas.reference.chains.sample_addresses import (
    ALICE,
    CARDANO,
    MONERO,
    PROGRAM,
    X_TAGS,
    XRP,
    bech32_encode,
    refusal,
)

# EIP-55, "Test Cases".
EIP_55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
# XLS-5: the same account without a tag, and on the test network.
X_BARE = "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb"
X_TEST = "TVd2rqMkYL2AyS97NdELcpeiprNBjwLZzuUG5rZnaewsahi"
ALICE_GENERIC = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_KUSAMA = "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"
# ZIP-316's first test vector of a unified address.
UNIFIED = (
    "u1l8xunezsvhq8fgzfl7404m450nwnd76zshscn6nfys7vyz2ywyh4cc5daaq0c7q2su5lqfh23sp7fkf3kt27ve5948mzpfdvckzaect2jtte308"
    "mkwlycj2u0eac077wu70vqcetkxf"
)


@pytest.mark.parametrize("text", EIP_55)
def test_an_address_of_eip_55_is_read(text: str) -> None:
    assert chains.read(text, "bsc") == ChainAddress(text.lower(), "bsc")


@pytest.mark.parametrize("text", EIP_55[4:])
def test_any_letter_in_the_other_case_breaks_eip_55(text: str) -> None:
    for at, char in enumerate(text[2:], start=2):
        if char.isalpha():
            assert refusal(text[:at] + char.swapcase() + text[at + 1 :]) == "checksum"


def test_an_x_address_without_tag_is_the_classic_address_and_one_with_a_tag_is_not() -> None:
    assert chains.read(X_BARE) == chains.read(XRP) == ChainAddress(XRP, "ripple")
    for tag, text in enumerate(X_TAGS):
        assert chains.read(text) == with_memo(chains.read(XRP), str(tag)) == ChainAddress(text, "ripple")
    assert refusal(X_TEST) == "testnet"


@pytest.mark.parametrize(
    "tail", [b"\0" + bytes(3) + b"\1" + bytes(4), b"\2" + bytes(8), b"\1" + bytes(4) + b"\1" + bytes(3)]
)
def test_an_x_address_with_a_tag_that_contradicts_its_flag_is_refused(tail: bytes) -> None:
    assert refusal(base58_encode_check(b"\x05\x44" + PROGRAM + tail, RIPPLE)) == "wallet-form"


def test_a_classic_address_of_another_length_is_refused() -> None:
    assert refusal(base58_encode_check(b"\0" + PROGRAM + b"\0", RIPPLE)) == "wallet-form"


def test_an_xrp_seed_is_no_address() -> None:
    assert refusal("sn3nxiW7v8KXzPzAqzyHXbSSKNuN9") == "wallet-form"


@pytest.mark.parametrize("text", MONERO)
def test_a_monero_address_is_read(text: str) -> None:
    assert chains.read(text) == ChainAddress(text, "monero")


def monero(data: bytes) -> str:
    data += keccak.new(data=data, digest_bits=256).digest()[:4]
    text = ""
    for start in range(0, len(data), 8):
        block = data[start : start + 8]
        width = {8: 11, 5: 7}[len(block)]
        text += base58_encode(block).lstrip("1").rjust(width, "1")
    return text


@pytest.mark.parametrize(
    ("network", "reason"),
    [(53, "testnet"), (24, "testnet"), (42, None), (18, None), (19, "wallet-form"), (99, "wallet-form")],
)
def test_a_monero_network_byte_fits_its_length(network: int, reason: str | None) -> None:
    text = monero(bytes([network]) + bytes(range(64)))
    if reason is None:
        assert chains.read(text) == ChainAddress(text, "monero")
    else:
        assert refusal(text) == reason


def test_a_monero_block_beyond_eight_bytes_is_refused() -> None:
    assert refusal("4" + "z" * 94) == "checksum"


@given(st.binary(min_size=32, max_size=32), st.sampled_from([0, -1]))
def test_four_friendly_spellings_of_a_ton_account_become_the_raw_one(digest: bytes, workchain: int) -> None:
    raw = f"{workchain}:{digest.hex()}"
    for tag in (0x11, 0x51, 0x91, 0xD1):
        body = bytes([tag, workchain & 0xFF]) + digest
        data = body + binascii.crc_hqx(body, 0).to_bytes(2, "big")
        for friendly in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
            if tag & 0x80:
                assert refusal(friendly) == "testnet"
            else:
                assert chains.read(friendly) == chains.read(raw.upper()) == ChainAddress(raw, "ton")


def test_ton_has_two_workchains_only() -> None:
    body = b"\x11\x05" + bytes(32)
    data = body + binascii.crc_hqx(body, 0).to_bytes(2, "big")
    assert refusal(base64.urlsafe_b64encode(data).decode()) == "wallet-form"


def test_a_generic_substrate_address_is_respelled_for_a_named_chain() -> None:
    assert chains.read(ALICE) == ChainAddress(ALICE, "polkadot")
    assert chains.read(ALICE_KUSAMA) == ChainAddress(ALICE_KUSAMA, "kusama")
    assert chains.read(ALICE_GENERIC) == ChainAddress(ALICE_GENERIC, "substrate")
    assert chains.read(ALICE_GENERIC, "polkadot") == ChainAddress(ALICE, "polkadot")
    assert chains.read(ALICE_GENERIC, "kusama") == ChainAddress(ALICE_KUSAMA, "kusama")
    assert chains.read(ALICE_GENERIC, "bittensor") == ChainAddress(ALICE_GENERIC, "bittensor")


def test_a_hexadecimal_tron_address_needs_the_chain() -> None:
    assert refusal("417E5F4552091A69125d5DfCb7b8C2659029395Bdf") == "wallet-ambiguous"


@given(st.binary(min_size=43, max_size=43))
def test_a_shielded_address_has_the_checksum_of_its_form(data: bytes) -> None:
    sapling = bech32_encode("zs", data, BECH32)
    assert chains.read(sapling.upper()) == ChainAddress(sapling, "zcash")
    assert chains.read(UNIFIED) == ChainAddress(UNIFIED, "zcash")
    assert refusal(bech32_encode("zs", data, BECH32M)) == "checksum"
    assert refusal(bech32_encode("ztestsapling", data, BECH32)) == "testnet"


# CIP-19 and Cardano's documentation, for test networks.
CARDANO_TEST = [
    "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae",
    "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na",
]


@pytest.mark.parametrize("text", CARDANO)
def test_a_cardano_address_is_read(text: str) -> None:
    assert chains.read(text) == ChainAddress(text, "cardano")


@pytest.mark.parametrize("text", CARDANO_TEST)
def test_cardano_address_of_a_test_network_is_refused_as_such(text: str) -> None:
    assert refusal(text) == "testnet"


def cardano(prefix: str, header: int, size: int) -> str:
    return bech32_encode(prefix, bytes([header]) + bytes(size), BECH32)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cardano("addr", 0x01, 55), "wallet-form"),
        (bech32_encode("addr", bytes([0x61]) + bytes(28), BECH32, padding="1"), "wallet-form"),
        (cardano("addr", 0x61, 56), "wallet-form"),
        (cardano("addr", 0xE1, 28), "wallet-form"),
        (cardano("stake", 0x61, 28), "wallet-form"),
        (cardano("addr", 0x91, 28), "wallet-form"),
        (cardano("addr", 0x00, 56), "testnet"),
    ],
)
def test_a_cardano_header_fits_its_length_and_prefix(text: str, reason: str) -> None:
    assert refusal(text) == reason


def byron(payload: bytes) -> str:
    crc = binascii.crc32(payload).to_bytes(4, "big")
    return base58_encode(b"\x82\xd8\x18\x58" + bytes([len(payload)]) + payload + b"\x1a" + crc)


def test_byron_address_has_a_root_hash_and_no_network() -> None:
    root = b"\x83\x58\x1c" + bytes(28)
    assert chains.read(byron(root + b"\xa0\x00")).chain == "cardano"
    assert refusal(byron(root + b"\xa1\x02\x41\x01\x00")) == "testnet"
    assert refusal(byron(root + b"\xa2\x01\x42\x41\x00\x02\x41\x01\x00")) == "testnet"
    assert refusal(byron(b"\x84\x58\x1c" + bytes(30))) == "wallet-form"

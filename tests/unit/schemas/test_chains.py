"""The chains' address forms against the vectors of their specifications, and against damage."""

import base64
import binascii

import pytest
from Crypto.Hash import keccak
from hypothesis import given, strategies as st

from schemas import chains
from schemas.chains import base58, bech32, others
from schemas.chains.address import Address
from schemas.errors import Rejected

# BIP-350, "Test vectors for v0-v16 native segregated witness addresses"; the first with its test-network ones.
SEGWIT_GOOD = [
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "BC1SW50QGDZ25J",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
]
SEGWIT_TEST = [
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
]
SEGWIT_BAD = [
    ("tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", "wallet-form"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "checksum"),
    ("tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf", "checksum"),
    ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "checksum"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "checksum"),
    ("tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", "checksum"),
    ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "wallet-form"),
    ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "wallet-form"),
    ("bc1pw5dgrnzv", "wallet-form"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "wallet-form"),
    ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "wallet-form"),
    ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", "wallet-form"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "wallet-form"),
    ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", "wallet-form"),
    ("bc1gmk9yu", "wallet-form"),
]
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
# The CashAddr specification, "Examples of address translation".
CASHADDR = [
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
    ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"),
    ("16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb", "qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ("3LDsS579y7sruadqu11beEJoTjdFiFCdX4", "pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"),
    ("31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw", "pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"),
]
# CIP-19, "Test vectors", main network; Byron from Cardano's documentation.
CARDANO = [
    "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    "addr1gx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer5pnz75xxcrzqf96k",
    "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8",
    "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
    "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi",
    "DdzFFzCqrhsrcTVhLygT24QwTnNqQqQ8mZrq5jykUzMveU26sxaH529kMpo7VhPrt5pwW3dXeB2k3EEvKcNBRmzCfcQ7dTkyGzTs658C",
]
CARDANO_TEST = [
    "addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgs68faae",
    "37btjrVyb4KDXBNC4haBVPCrro8AQPHwvCMp3RFhhSVWwfFmZ6wwzSK6JK1hY6wHNmtrpTf1kdbva8TCneM2YsiXT7mrzT21EacHnPpz5YyUdj64na",
]
# XLS-5: one account, without tag, with tag 0 and with tag 1, and of the test network.
XRP = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf"
X_BARE = "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb"
X_TAGS = ["XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"]
X_TEST = "TVd2rqMkYL2AyS97NdELcpeiprNBjwLZzuUG5rZnaewsahi"
# Monero's documentation: the same wallet's integrated address, a donation address, a subaddress.
MONERO = [
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKKQePHES9khPK",
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
]
ALICE = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"  # Substrate's development key
ALICE_GENERIC = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_KUSAMA = "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"
PROGRAM = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")  # hash of the generator point, as in BIP-173


def refusal(text: str, chain: str = "") -> str:
    with pytest.raises(Rejected) as caught:
        chains.read(text, chain)
    return caught.value.reason


def outcome(text: str, chain: str) -> Address | Rejected:
    try:
        return chains.read(text, chain)
    except Rejected as refused:
        return refused


@pytest.mark.parametrize("text", SEGWIT_GOOD)
def test_a_witness_program_of_bip_350_is_read(text: str) -> None:
    assert chains.read(text) == Address(text.lower(), "bitcoin")


@pytest.mark.parametrize("text", SEGWIT_TEST)
def test_a_witness_program_of_the_test_network_is_refused_as_one(text: str) -> None:
    assert refusal(text) == "testnet"


@pytest.mark.parametrize(("text", "reason"), SEGWIT_BAD)
def test_a_bad_witness_program_of_bip_350_is_refused(text: str, reason: str) -> None:
    assert refusal(text) == reason


@pytest.mark.parametrize("text", EIP_55)
def test_an_address_of_eip_55_is_read(text: str) -> None:
    assert chains.read(text, "bsc") == Address(text.lower(), "bsc")


@pytest.mark.parametrize("text", EIP_55[4:])
def test_any_letter_in_the_other_case_breaks_eip_55(text: str) -> None:
    for at, char in enumerate(text[2:], start=2):
        if char.isalpha():
            assert refusal(text[:at] + char.swapcase() + text[at + 1 :]) == "checksum"


@pytest.mark.parametrize(("legacy", "cash"), CASHADDR)
def test_every_spelling_of_a_bitcoin_cash_address_meets_in_one(legacy: str, cash: str) -> None:
    for spelling in (legacy, cash, cash.upper(), f"bitcoincash:{cash}", f"BITCOINCASH:{cash.upper()}"):
        assert chains.read(spelling, "bitcoin-cash") == Address(cash, "bitcoin-cash")


def test_a_token_aware_cashaddr_is_its_plain_account() -> None:
    for kind, plain in ((0x10, 0x00), (0x18, 0x08)):
        aware = bech32.cashaddr_encode("bitcoincash", bytes([kind]) + PROGRAM)
        assert chains.read(aware).value == bech32.cashaddr_encode("bitcoincash", bytes([plain]) + PROGRAM)


def test_a_cashaddr_of_32_bytes_is_read_and_one_whose_version_lies_is_not() -> None:
    digest = bytes(range(32))
    long = bech32.cashaddr_encode("bitcoincash", b"\x0b" + digest)
    assert chains.read(long) == Address(long, "bitcoin-cash")
    assert refusal(bech32.cashaddr_encode("bitcoincash", b"\x08" + digest)) == "wallet-form"


@pytest.mark.parametrize("prefix", ["bchtest", "bchreg"])
def test_a_cashaddr_of_a_test_network_is_known_with_and_without_its_prefix(prefix: str) -> None:
    address = bech32.cashaddr_encode(prefix, b"\0" + PROGRAM)
    assert refusal(address) == "testnet"
    assert refusal(f"{prefix}:{address}") == "testnet"


@pytest.mark.parametrize(
    ("version", "chain", "first"),
    [
        ("00", "bitcoin", "1"),
        ("05", "bitcoin", "3"),
        ("30", "litecoin", "L"),
        ("32", "litecoin", "M"),
        ("1e", "dogecoin", "D"),
        ("16", "dogecoin", "A"),
        ("21", "verge", "E"),
        ("4c", "dash", "X"),
        ("10", "dash", "7"),
        ("26", "bitcoin-gold", "G"),
        ("17", "bitcoin-gold", "A"),
        ("41", "tron", "T"),
        ("1cb8", "zcash", "t"),
        ("1cbd", "zcash", "t"),
    ],
)
def test_a_version_byte_names_its_chain(version: str, chain: str, first: str) -> None:
    text = base58.encode_check(bytes.fromhex(version) + PROGRAM)
    assert chains.read(text) == Address(text, chain)
    assert text[0] == first


@pytest.mark.parametrize("version", ["6f", "c4", "71", "8c", "13", "1d25", "1cba"])
def test_a_version_byte_of_a_test_network_is_refused_as_one(version: str) -> None:
    assert refusal(base58.encode_check(bytes.fromhex(version) + PROGRAM)) == "testnet"


def test_old_litecoin_script_addresses_become_new_ones_where_litecoin_is_named() -> None:
    old, new = (base58.encode_check(version + PROGRAM) for version in (b"\x05", b"\x32"))
    assert chains.read(old, "litecoin") == chains.read(new) == Address(new, "litecoin")


@pytest.mark.parametrize("text", CARDANO)
def test_a_cardano_address_is_read(text: str) -> None:
    assert chains.read(text) == Address(text, "cardano")


@pytest.mark.parametrize("text", CARDANO_TEST)
def test_a_cardano_address_of_a_test_network_is_refused_as_one(text: str) -> None:
    assert refusal(text) == "testnet"


def test_an_x_address_without_tag_is_the_classic_address_and_one_with_a_tag_is_not() -> None:
    assert chains.read(X_BARE) == chains.read(XRP) == Address(XRP, "ripple")
    for tag, text in enumerate(X_TAGS):
        assert chains.read(text) == others.with_tag(chains.read(XRP), tag) == Address(text, "ripple")
    assert refusal(X_TEST) == "testnet"


@pytest.mark.parametrize(
    "tail", [b"\0" + bytes(3) + b"\1" + bytes(4), b"\2" + bytes(8), b"\1" + bytes(4) + b"\1" + bytes(3)]
)
def test_an_x_address_with_a_tag_that_contradicts_its_flag_is_refused(tail: bytes) -> None:
    assert refusal(base58.encode_check(b"\x05\x44" + PROGRAM + tail, base58.RIPPLE)) == "wallet-form"


def test_a_classic_address_of_another_length_is_refused() -> None:
    assert refusal(base58.encode_check(b"\0" + PROGRAM + b"\0", base58.RIPPLE)) == "wallet-form"


def test_an_xrp_seed_is_no_address() -> None:
    assert refusal("sn3nxiW7v8KXzPzAqzyHXbSSKNuN9") == "wallet-form"


@pytest.mark.parametrize("text", MONERO)
def test_a_monero_address_is_read(text: str) -> None:
    assert chains.read(text) == Address(text, "monero")


@given(st.binary(min_size=32, max_size=32), st.sampled_from([0, -1]))
def test_the_four_friendly_spellings_of_a_ton_account_meet_in_the_raw_one(digest: bytes, workchain: int) -> None:
    raw = f"{workchain}:{digest.hex()}"
    for tag in (0x11, 0x51, 0x91, 0xD1):
        body = bytes([tag, workchain & 0xFF]) + digest
        data = body + binascii.crc_hqx(body, 0).to_bytes(2, "big")
        for friendly in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
            if tag & 0x80:
                assert refusal(friendly) == "testnet"
            else:
                assert chains.read(friendly) == chains.read(raw.upper()) == Address(raw, "ton")


def test_ton_knows_two_workchains_only() -> None:
    body = b"\x11\x05" + bytes(32)
    data = body + binascii.crc_hqx(body, 0).to_bytes(2, "big")
    assert refusal(base64.urlsafe_b64encode(data).decode()) == "wallet-form"


def test_a_generic_substrate_address_is_respelled_for_a_chain_that_is_named() -> None:
    assert chains.read(ALICE) == Address(ALICE, "polkadot")
    assert chains.read(ALICE_KUSAMA) == Address(ALICE_KUSAMA, "kusama")
    assert chains.read(ALICE_GENERIC) == Address(ALICE_GENERIC, "substrate")
    assert chains.read(ALICE_GENERIC, "polkadot") == Address(ALICE, "polkadot")
    assert chains.read(ALICE_GENERIC, "kusama") == Address(ALICE_KUSAMA, "kusama")
    assert chains.read(ALICE_GENERIC, "bittensor") == Address(ALICE_GENERIC, "bittensor")


@given(
    st.binary(max_size=60).flatmap(
        lambda data: st.sampled_from([(data, base58.BITCOIN), (data, base58.RIPPLE)]),
    )
)
def test_base58_is_its_own_inverse(case: tuple[bytes, str]) -> None:
    data, alphabet = case
    assert base58.decode(base58.encode(data, alphabet), alphabet) == data


def test_tron_hex_counts_only_where_tron_is_named() -> None:
    assert refusal("417E5F4552091A69125d5DfCb7b8C2659029395Bdf") == "wallet-ambiguous"


# ZIP-316's first test vector of a unified address, and one of the test network's human-readable part.
UNIFIED = (
    "u1l8xunezsvhq8fgzfl7404m450nwnd76zshscn6nfys7vyz2ywyh4cc5daaq0c7q2su5lqfh23sp7fkf3kt27ve5948mzpfdvckzaect2jtte308"
    "mkwlycj2u0eac077wu70vqcetkxf"
)


def bech32_encode(prefix: str, data: bytes, kind: int, padding: str = "0") -> str:
    """Spell ``data`` by BIP-173's own definition of the checksum, apart from the tables of the code under test."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += padding * (-len(bits) % 5)
    chars = "".join(bech32.CHARSET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    state = 1
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    for value in [*values, *(bech32.CHARSET.index(char) for char in chars), 0, 0, 0, 0, 0, 0]:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            state ^= generator[bit] if top >> bit & 1 else 0
    state ^= kind
    return f"{prefix}1{chars}" + "".join(bech32.CHARSET[state >> shift & 31] for shift in range(25, -1, -5))


@given(st.binary(min_size=43, max_size=43))
def test_a_shielded_address_has_the_checksum_of_its_form(data: bytes) -> None:
    sapling = bech32_encode("zs", data, bech32.BECH32)
    assert chains.read(sapling.upper()) == Address(sapling, "zcash")
    assert chains.read(UNIFIED) == Address(UNIFIED, "zcash")
    assert refusal(bech32_encode("zs", data, bech32.BECH32M)) == "checksum"
    assert refusal(bech32_encode("ztestsapling", data, bech32.BECH32)) == "testnet"


def cardano(prefix: str, header: int, size: int) -> str:
    return bech32_encode(prefix, bytes([header]) + bytes(size), bech32.BECH32)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cardano("addr", 0x01, 55), "wallet-form"),
        (bech32_encode("addr", bytes([0x61]) + bytes(28), bech32.BECH32, padding="1"), "wallet-form"),
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
    return base58.encode(b"\x82\xd8\x18\x58" + bytes([len(payload)]) + payload + b"\x1a" + crc)


def test_a_byron_address_has_a_root_hash_and_no_network_of_its_own() -> None:
    root = b"\x83\x58\x1c" + bytes(28)
    assert chains.read(byron(root + b"\xa0\x00")).chain == "cardano"
    assert refusal(byron(root + b"\xa1\x02\x41\x01\x00")) == "testnet"
    assert refusal(byron(root + b"\xa2\x01\x42\x41\x00\x02\x41\x01\x00")) == "testnet"
    assert refusal(byron(b"\x84\x58\x1c" + bytes(30))) == "wallet-form"


def monero(data: bytes) -> str:
    data += keccak.new(data=data, digest_bits=256).digest()[:4]
    text = ""
    for start in range(0, len(data), 8):
        block = data[start : start + 8]
        width = {8: 11, 5: 7}[len(block)]
        text += base58.encode(block).lstrip("1").rjust(width, "1")
    return text


@pytest.mark.parametrize(
    ("network", "reason"),
    [(53, "testnet"), (24, "testnet"), (42, None), (18, None), (19, "wallet-form"), (99, "wallet-form")],
)
def test_a_monero_network_byte_fits_its_length(network: int, reason: str | None) -> None:
    text = monero(bytes([network]) + bytes(range(64)))
    if reason is None:
        assert chains.read(text) == Address(text, "monero")
    else:
        assert refusal(text) == reason


def test_a_monero_block_beyond_eight_bytes_is_refused() -> None:
    assert refusal("4" + "z" * 94) == "checksum"


# BIP-38 and BIP-32, "Test vectors"; the length of a Solana signature.
@pytest.mark.parametrize(
    "text",
    [
        "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
        "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
        base58.encode(bytes(range(1, 65))),
    ],
)
def test_a_key_or_signature_is_no_address(text: str) -> None:
    assert refusal(text) == "not-an-address"


@pytest.mark.parametrize(
    "text", ["bTc1qaqvw2ydrt759mu6sk2yutam7pqr9anxzdyk6xy", "yqv4pchio2u8shz1xzphgusk7yf1kcvchd4vpxkumhh"]
)
def test_a_damaged_bech32_text_is_not_taken_for_solana(text: str) -> None:
    assert refusal(text) == "wallet-form"


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


@given(st.sampled_from(SOUND), st.integers(min_value=0), st.sampled_from(LETTERS))
def test_one_wrong_character_is_never_taken(text: str, at: int, char: str) -> None:
    at %= len(text)
    if text[at] != char:
        with pytest.raises(Rejected):
            chains.read(text[:at] + char + text[at + 1 :])


@given(st.sampled_from(SOUND), st.integers(min_value=0))
def test_two_neighbours_that_changed_places_are_never_taken(text: str, at: int) -> None:
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

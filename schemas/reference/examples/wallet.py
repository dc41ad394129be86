"""Wallets as reports write them: examples of the chains' specifications, each with its normal form or refusal."""

from collections.abc import Iterable

from schemas.kind import ValueExample

# BIP-173 and others show the key of the generator point, whose private key is 1; the rest is in the specifications.
_P2PKH, _SEGWIT = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
_TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
_EVM = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
_EIP_55 = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
_CASH, _CASH_LEGACY = "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu"
_SCRIPT = "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC"
_DOGE, _TRON = "DFpN6QqFfUm3gKNaxN6tNcab1FArL9cZLE", "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"
_XRP, _XRP_TAGGED = "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf", "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC"
_TON = "0:ca6e321c7cce9ecedf0a8ca2492ec8592494aa5fb5ce0387dff96ef6af982a3e"
_DOT, _SS58 = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
_SOL = "83astBRguLMdt2h5U1Tpdq5tjFoJ6noeGwaY3mDLVcri"
_ADA = "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8"
_STAKE = "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw"
_BYRON = "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi"
_XMR = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"
_ZEC_UNIFIED = (
    "u1l8xunezsvhq8fgzfl7404m450nwnd76zshscn6nfys7vyz2ywyh4cc5daaq0c7q2su5lqfh23sp7fkf3kt27ve5948mzpfdvckzaect2jtte308"
    "mkwlycj2u0eac077wu70vqcetkxf"
)


def _example(raw: str, value: str, on: str, /, **given: str) -> ValueExample:
    """Return an example whose normal form is ``value`` on the chain ``on``."""
    return ValueExample(raw, value, given=given, details={"chain": on} if on else {})


def _examples_of_spelling() -> Iterable[ValueExample]:
    """Yield each form of address, and several spellings of one address."""
    for raw, value, chain in (
        (_P2PKH, _P2PKH, "bitcoin"),
        (_SCRIPT, _SCRIPT, "bitcoin"),
        (_SEGWIT.upper(), _SEGWIT, "bitcoin"),
        (_TAPROOT, _TAPROOT, "bitcoin"),
        (f"bitcoin:{_P2PKH}?amount=0.1&label=x", _P2PKH, "bitcoin"),
        (f"BITCOIN:{_SEGWIT.upper()}", _SEGWIT, "bitcoin"),
        (f"BTC: {_P2PKH}", _P2PKH, "bitcoin"),
        (f"bip122:000000000019d6689c085ae165831e93:{_P2PKH}", _P2PKH, "bitcoin"),
        ("LVuDpNCSSj6pQ7t9Pv6d6sUkLKoqDEVUnJ", "LVuDpNCSSj6pQ7t9Pv6d6sUkLKoqDEVUnJ", "litecoin"),
        (_DOGE, _DOGE, "dogecoin"),
        ("XmN7PQYWKn5MJFna5fRYgP6mxT2F7xpekE", "XmN7PQYWKn5MJFna5fRYgP6mxT2F7xpekE", "dash"),
        ("GUXByHDZLvU4DnVH9imSFckt3HEQ5cFgE5", "GUXByHDZLvU4DnVH9imSFckt3HEQ5cFgE5", "bitcoin-gold"),
        (f"bitcoincash:{_CASH}", _CASH, "bitcoin-cash"),
        ("zp63uahgrxged4z5jswyt5dn5v3lzsem6crlrlr74y", "qp63uahgrxged4z5jswyt5dn5v3lzsem6cy4spdc2h", "bitcoin-cash"),
        ("t1UYsZVJkLPeMjxEtACvSxfWuNmddpWfxzs", "t1UYsZVJkLPeMjxEtACvSxfWuNmddpWfxzs", "zcash"),
        (_ZEC_UNIFIED, _ZEC_UNIFIED, "zcash"),
        (_EIP_55, _EVM, ""),
        ("0X" + _EVM[2:].upper(), _EVM, ""),
        (f"ethereum:{_EIP_55}", _EVM, ""),
        (f"ethereum:pay-{_EIP_55}@56", _EVM, "bsc"),
        (f"ethereum:{'0x' + 40 * '1'}@1/transfer?address={_EVM}&uint256=1", _EVM, "ethereum"),
        (f"eip155:137:{_EVM}", _EVM, "polygon"),
        (_TRON, _TRON, "tron"),
        (_XRP, _XRP, "ripple"),
        (_XRP_TAGGED, _XRP_TAGGED, "ripple"),
        (f"xrpl:{_XRP}?dt=1", _XRP_TAGGED, "ripple"),
        ("XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb", _XRP, "ripple"),
        (_SOL, _SOL, "solana"),
        (_XMR, _XMR, "monero"),
        ("EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHF", _TON, "ton"),
        ("UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff+W72r5gqPuwA", _TON, "ton"),
        ("ton://transfer/UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA?amount=1", _TON, "ton"),
        (_TON.upper(), _TON, "ton"),
        (_ADA, _ADA, "cardano"),
        (_STAKE, _STAKE, "cardano"),
        (_BYRON, _BYRON, "cardano"),
        (_DOT, _DOT, "polkadot"),
        (_SS58, _SS58, ""),
    ):
        yield _example(raw, value, chain)


def _examples_of_words() -> Iterable[ValueExample]:
    """Yield addresses with their chain's name beside them, and in pages of explorers."""
    for raw, value, chain in (
        (f"ETH {_EIP_55}", _EVM, "ethereum"),
        (f"{_EIP_55} (ETH)", _EVM, "ethereum"),
        (f"USDT (TRC20) {_TRON}", _TRON, "tron"),
        (f"USDT TRC20: {_TRON}", _TRON, "tron"),
        (f"Bitcoin wallet {_P2PKH}", _P2PKH, "bitcoin"),
        (f"https://etherscan.io/address/{_EIP_55}", _EVM, "ethereum"),
        (f"etherscan.io/address/{_EIP_55}#tokentxns", _EVM, "ethereum"),
        (f"https://bscscan.com/address/{_EVM}?a=1", _EVM, "bsc"),
        (f"https://optimistic.etherscan.io/address/{_EVM}", _EVM, "optimism"),
        (f"https://cn.etherscan.com/address/{_EVM}", _EVM, "ethereum"),
        (f"https://blockchain.info/address/{_P2PKH}", _P2PKH, "bitcoin"),
        (f"{_SEGWIT}.", _SEGWIT, "bitcoin"),
        (f"https://debank.com/profile/{_EVM}", _EVM, ""),
        (f"https://tronscan.org/#/address/{_TRON}", _TRON, "tron"),
        (f"https://tronscan.org/#/address/{_TRON}/transfers", _TRON, "tron"),
        (f"https://www.blockchain.com/btc/address/{_P2PKH}", _P2PKH, "bitcoin"),
        (f"https://www.blockchain.com/explorer/addresses/btc/{_SEGWIT}", _SEGWIT, "bitcoin"),
        (f"https://blockchair.com/dogecoin/address/{_DOGE}", _DOGE, "dogecoin"),
        (f"https://mempool.space/address/{_TAPROOT}", _TAPROOT, "bitcoin"),
        (f"https://solscan.io/account/{_SOL}", _SOL, "solana"),
        (f"https://xrpscan.com/account/{_XRP}", _XRP, "ripple"),
        ("https://tonviewer.com/UQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPuwA", _TON, "ton"),
    ):
        yield _example(raw, value, chain)


def _examples_of_chain() -> Iterable[ValueExample]:
    """Yield addresses in reports that name a chain or currency."""
    yield _example(_P2PKH, _P2PKH, "bitcoin", chain="BTC")
    yield _example(_P2PKH, _P2PKH, "bitcoin", currency="xbt")
    yield _example(_P2PKH, _P2PKH, "bitcoin-sv", currency="BSV")
    yield _example(_CASH_LEGACY, _CASH, "bitcoin-cash", chain="Bitcoin Cash (BCH)")
    yield _example(_SCRIPT, "MJiPwX84iBe4WnFDwsYGgtnz1XonPhUqhf", "litecoin", currency="LTC")
    yield _example(_DOGE, _DOGE, "verge", currency="XVG")
    yield _example(_EIP_55, _EVM, "ethereum", currency="ETH")
    yield _example(_EIP_55, _EVM, "", currency="USDT")
    yield _example(_EIP_55, _EVM, "bsc", chain="BEP20", currency="USDT")
    yield _example(_EVM[2:], _EVM, "arbitrum", chain="Arbitrum One")
    yield _example(_TRON, _TRON, "tron", chain="USDT (TRC-20)")
    yield _example(_TRON, _TRON, "tron", currency="usdc")
    yield _example("417E5F4552091A69125d5DfCb7b8C2659029395Bdf", _TRON, "tron", chain="Tron")
    yield _example(_SS58, _DOT, "polkadot", currency="DOT")
    yield _example(_P2PKH, _P2PKH, "bitcoin", chain="บิทคอยน์")
    yield ValueExample(_TRON, reason="wrong-chain", given={"chain": "bitcoin"})
    yield ValueExample(_TRON, reason="wrong-chain", given={"currency": "ETH"})
    yield ValueExample(_EVM, reason="wrong-chain", given={"chain": "TRC20"})
    yield ValueExample(f"ethereum:{_EVM}@1", reason="wrong-chain", given={"chain": "bsc"})
    yield ValueExample(_EVM, reason="chain-unknown", given={"chain": "no such chain"})
    yield ValueExample(_EVM, reason="chain-unknown", given={"currency": "XLM"})


def _examples_of_refusal() -> Iterable[ValueExample]:
    """Yield values that are no address, or a damaged one."""
    yield ValueExample("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMh", reason="checksum")
    yield ValueExample("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", reason="checksum")
    yield ValueExample("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", reason="checksum")
    yield ValueExample("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", reason="checksum")
    yield ValueExample("EQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPrHG", reason="checksum")
    yield ValueExample("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", reason="testnet")
    yield ValueExample("mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r", reason="testnet")
    yield ValueExample("kQDKbjIcfM6ezt8KjKJJLshZJJSqX7XOA4ff-W72r5gqPgpP", reason="testnet")
    yield ValueExample(f"ethereum:{_EVM}@11155111", reason="testnet")
    yield ValueExample(_SEGWIT.capitalize(), reason="wallet-form")
    yield ValueExample(_P2PKH + "xyz", reason="wallet-form")
    yield ValueExample(_P2PKH.lower(), reason="wallet-form")
    yield ValueExample(_SEGWIT[:-5] + "B" + _SEGWIT[-5:], reason="wallet-form")
    yield ValueExample(_EVM[:-1], reason="wallet-form")
    yield ValueExample("SXyGazfm6S3xfcySmD6QNkZYmtfysC2jvc", reason="wallet-form")
    yield ValueExample("", reason="wallet-form")
    yield ValueExample(_EVM[2:], reason="wallet-ambiguous")
    yield ValueExample("0x" + 32 * "5a", reason="not-an-address")
    yield ValueExample("someone.eth", reason="not-an-address")
    yield ValueExample("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", reason="not-an-address")
    yield ValueExample("abandon " * 11 + "about", reason="not-an-address")
    yield ValueExample("https://etherscan.io/tx/0x" + 32 * "5a", reason="not-an-address")
    yield ValueExample(f"https://explorer.example.com/address/{_EVM}", reason="not-an-address")
    yield ValueExample(f"https://bscscan.com/address/{_EVM}", reason="wrong-chain", given={"chain": "ethereum"})
    yield ValueExample(f"BTC or ETH {_EVM}", reason="wallet-form")
    yield ValueExample(f"ethereum:{_EVM}/approve", reason="not-an-address")


def every() -> Iterable[ValueExample]:
    """Yield each form of address, words and pages around it, named chains, and refused values."""
    yield from _examples_of_spelling()
    yield from _examples_of_words()
    yield from _examples_of_chain()
    yield from _examples_of_refusal()

"""Chains: the forms of their addresses, how each form is verified, and its one spelling.

Nobody is asked: a right checksum proves that an address was copied well, not that it was ever used.
"""

import re
from collections.abc import Callable, Mapping

from schemas.reference.chains.accounts import BECH32_CHAINS, NAME_ENDINGS, bech32_account, name, stellar
from schemas.reference.chains.address import ChainAddress, explain_non_address, wrong_form
from schemas.reference.chains.encodings import base58_decode
from schemas.reference.chains.formats import (
    base58_hash,
    byron,
    cardano,
    cash,
    evm_account,
    evm_bare,
    monero,
    ripple,
    ripple_x,
    secret_key,
    segwit,
    solana,
    substrate,
    ton,
    ton_raw,
    tron,
    zcash,
)

__all__ = ["looks_like_address", "read"]

_B58 = "[1-9A-HJ-NP-Za-km-z]"
_B32 = "[02-9ac-hj-np-z]"

_HEX = "[0-9a-fA-F]"


def _one_case(pattern: str) -> str:
    """Return a pattern of lower-case letters that matches all lower and all upper case (BIP-173)."""
    return f"(?:{pattern}|{pattern.upper()})"


def _base58(text: str, chain: str) -> ChainAddress:
    """Read a Base58 text by its length in bytes."""
    data = base58_decode(text)
    size = len(data)
    if size == 32:
        return solana(text, chain)
    if size == 25 or (size == 26 and data[0] in (0x1C, 0x1D)):  # Zcash has versions of two bytes, 1C and 1D its first
        return base58_hash(text, data, chain)
    if data[:4] == b"\x82\xd8\x18\x58":
        return byron(text, data)
    if (size == 35 and data[0] < 64) or (size == 36 and 64 <= data[0] < 128):
        return substrate(text, data, chain)
    if key := secret_key(data):
        raise key
    raise wrong_form("a Base58 text, but of no address's length: characters are missing or too many")


# Each form of address and its reader. The first that matches counts.
_FORMS: Mapping[str, tuple[str, Callable[[str, str], ChainAddress]]] = {
    "evm": (f"0[xX]{_HEX}{{40}}", evm_account),
    "segwit": (_one_case(f"(?:bc|tb|bcrt|ltc|tltc|rltc|btg)1{_B32}{{8,87}}"), segwit),
    "xrp": (f"r{_B58}{{24,34}}", ripple),
    "xrp_x": (f"[XT]{_B58}{{46}}", ripple_x),
    "cash": (_one_case(f"(?:(?:bitcoincash|bchtest|bchreg):)?[qpzr](?:{_B32}{{41}}|{_B32}{{60}})"), cash),
    "ton": ("[EUk0][Qf][0-9A-Za-z+/_-]{46}", ton),
    "ton_raw": (f"(?:0|-1):{_HEX}{{64}}", ton_raw),
    "cardano": (_one_case(f"(?:addr|stake)(?:_test)?1{_B32}{{40,150}}"), cardano),
    "bech32_account": (_one_case(f"(?:{'|'.join(BECH32_CHAINS.values())})1{_B32}{{38,58}}"), bech32_account),
    "stellar": ("[GS][A-Z2-7]{55}|M[A-Z2-7]{68}", stellar),
    "zcash": (_one_case(f"(?:zs|ztestsapling|u|utest)1{_B32}{{70,500}}"), zcash),
    "evm_bare": (f"{_HEX}{{40}}", evm_bare),
    "tron_hex": (f"(?:0[xX])?41{_HEX}{{40}}", tron),
    "monero": (f"{_B58}{{95}}|{_B58}{{106}}", monero),
    "base58": (f"{_B58}{{25,130}}", _base58),
}
_FORM = re.compile("|".join(f"(?P<{name}>{pattern})" for name, (pattern, _) in _FORMS.items()))
_READERS = {name: reader for name, (_, reader) in _FORMS.items()}
_UNMISTAKABLE = frozenset(_FORMS) - {"evm_bare", "tron_hex", "base58", "xrp"}
_NAME = re.compile(r"(?:[^\W_][\w-]{0,62}\.){1,4}[a-z0-9]+", re.IGNORECASE)
# Endings that files and products do not have; programs for Ethereum are in files such as Token.sol.
_OWN_NAME = re.compile(r"(?i:.+\.(?:eth|crypto|bnb))|[a-z0-9-]{3,}\.sol")
# Base58 of the lengths and first letters that addresses have, in mixed case: no name, number or identifier of others.
# An XRP address may be as short as a name, which has no digit then.
_BASE58_ADDRESS = re.compile(
    rf"(?=.*[A-Z])(?=.*[a-z])(?:[13]{_B58}{{25,34}}|[LMDAEGTX79]{_B58}{{33}}|t[13]{_B58}{{33}}"
    rf"|r{_B58}{{32,34}}|(?=.*\d)r{_B58}{{24,31}}"
    rf"|{_B58}{{43,44}}|[15]{_B58}{{46,47}}|Ae2{_B58}{{56}}|Ddz{_B58}{{101}})"
)


def read(text: str, chain: str = "") -> ChainAddress:
    """Verify ``text`` and return its one spelling and its chain. Raises ``Rejected``.

    ``chain`` decides if several chains share a form; the caller compares it with the chain of the result.
    """
    if _is_name(text):
        return name(text, chain)
    form = _FORM.fullmatch(text)
    if form is None or form.lastgroup is None:
        raise explain_non_address(text)
    return _READERS[form.lastgroup](text, chain)


def looks_like_address(text: str) -> bool:
    """Return True if ``text`` has the form of an address, whether its checksum is right or wrong."""
    form = _FORM.fullmatch(text)
    if form is None:
        return _is_name(text) and _OWN_NAME.fullmatch(text) is not None
    return form.lastgroup in _UNMISTAKABLE or _BASE58_ADDRESS.fullmatch(text) is not None


def _is_name(text: str) -> bool:
    """Return True if ``text`` is a name with an ending of names of wallets."""
    return text.rpartition(".")[2].lower() in NAME_ENDINGS and _NAME.fullmatch(text) is not None

"""Memos: the tag, memo or comment of a customer at an address that an exchange uses for all its customers.

The address alone would accuse every customer. XRP and Stellar have addresses that include the customer (XLS-5, SEP-23);
on other chains the memo follows the address: ``0:…?memo=123456``.
"""

import re
from typing import NamedTuple

from schemas.errors import Rejected
from schemas.reference.chains.accounts import BECH32_CHAINS, muxed
from schemas.reference.chains.address import ChainAddress, wrong_form
from schemas.reference.chains.encodings import RIPPLE, base58_decode, base58_encode_check

# Chains without tags of their own whose exchanges ask for a memo.
_WITH_MEMO = frozenset({"ton", "stellar", *BECH32_CHAINS})
_WORD = (
    r"(?:(?:xrp )?(?:destination|dest\.?)? ?tag|memo(?: ?/ ?tag)?(?: ?(?:id|no\.?|tag|text))?|comments?|"
    r"แท็ก|เมโม|คอมเมนต์|ข้อความ)"
)
_MEMO = r"(?P<memo>[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?)"
_QUERY = re.compile(
    rf"(?P<address>[^\s?&]{{25,}})[?&](?:dt|tag|memo|memo_?id|text|comment)={_MEMO}(?:&.*)?", re.IGNORECASE
)
_IN_WORDS = rf"[\s,;/|]{{0,3}}[(\[]?\s?{_WORD}\s?[:：=#]{{0,2}}\s?{_MEMO}[)\]]?"
# A memo after an address in a text.
BEHIND = re.compile(rf"{_IN_WORDS}|\?(?:dt|tag|memo|text)=[\w.-]*\w|:\d{{1,10}}(?![\w:])", re.IGNORECASE)
_SPOKEN = re.compile(rf"(?P<address>(?:\S{{1,20}}\s){{0,4}}\S{{25,}}?){_IN_WORDS}", re.IGNORECASE)
_XRP_COLON = re.compile(r"(?P<address>r[1-9A-HJ-NP-Za-km-z]{24,34})\s?[:,/+|]\s?(?P<memo>\d{1,10})")
# Each text with a memo has one of these; the many other texts need no further work.
_HINT = re.compile(r"^r\w{24,34}\s?[:,/+|]|[?&]dt=|[?&]text=|tag|memo|comment|[แเคข]", re.IGNORECASE)


class AddressAndMemo(NamedTuple):
    """A text with an address, and its memo."""

    address: str
    memo: str


def split_memo(text: str) -> AddressAndMemo | None:
    """Return the address and the memo in a text of both, None for any other text."""
    if _HINT.search(text) is None:
        return None
    for form in (_QUERY, _XRP_COLON, _SPOKEN):
        if found := form.fullmatch(text):
            return AddressAndMemo(found["address"], found["memo"])
    return None


def with_memo(address: ChainAddress, memo: str) -> ChainAddress:
    """Return the address of one customer. A memo without a digit does not name a customer and is left out.

    A memo on a chain without such customers is left out, too. Raises ``Rejected`` if it is not a tag of the chain.
    """
    memo = memo.strip()
    if not any(map(str.isdigit, memo)) or re.fullmatch(_MEMO, memo) is None:
        return address
    if address.chain == "ripple":
        return _with_tag(address, memo)
    if address.chain == "stellar" and memo.isdecimal() and str(int(memo)) == memo and int(memo) < 1 << 64:
        return ChainAddress(muxed(address.value, int(memo)), "stellar")
    if address.chain not in _WITH_MEMO:
        return address
    return ChainAddress(f"{address.value}?memo={memo}", address.chain)


def _with_tag(address: ChainAddress, memo: str) -> ChainAddress:
    """Return the X-address of a classic XRP address and a tag."""
    if not memo.isdecimal() or int(memo) >= 1 << 32:
        raise Rejected("tag-form", "a destination tag of XRP is a number below 4,294,967,296: copy it again")
    tag = int(memo)
    if not address.value.startswith("r"):
        if base58_decode(address.value, RIPPLE)[23:27] == tag.to_bytes(4, "little"):
            return address
        raise wrong_form("two destination tags: the X-address already has one, leave out the other")
    digest = base58_decode(address.value, RIPPLE)[1:21]
    payload = b"\x05\x44" + digest + b"\x01" + tag.to_bytes(4, "little") + bytes(4)
    return ChainAddress(base58_encode_check(payload, RIPPLE), "ripple")

"""Names of chains as people write them, and links that hold an address.

Links are payment URIs (BIP-21, EIP-681, CAIP-10), ``BTC: …`` and pages of block explorers.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from schemas.errors import Rejected
from schemas.reference import read_toml
from schemas.reference.chains.address import EVM, on_test_network
from schemas.reference.chains.formats import EVM_CHAIN_IDS, EVM_CHAINS, EVM_TEST_CHAIN_IDS
from schemas.reference.hosts import split_address

_TABLE = read_toml("chains.toml")
_NAMES: Mapping[str, str] = _TABLE["names"]
_SEPARATORS = re.compile(r"[\W_]+")


def _key(name: str) -> str:
    """Return a name without case, blanks and punctuation."""
    return _SEPARATORS.sub("", name.casefold())


_CHAINS_BY_NAME = {_key(name): chain for chain, names in _NAMES.items() for name in (chain, *names.split())}
_CHAINS_BY_NAME |= {_key(token): "" for token in _TABLE["tokens"].split()}
_UNCHECKED = {_key(name) for name in _TABLE["foreign"].split()}
_MOST_WORDS = 8


@lru_cache(maxsize=4096)
def find_chain(name: str) -> str | None:
    """Return the chain that ``name`` means: "" for a token of many chains, None if it is not known.

    The longest run of words that is a name counts: ``Bitcoin Cash (BCH)``, ``USDT-TRC20``.
    """
    words = [word for word in _SEPARATORS.split(name.casefold()) if word][:_MOST_WORDS]
    for size in range(len(words), 0, -1):
        runs = ("".join(words[start : start + size]) for start in range(len(words) - size + 1))
        found = {_CHAINS_BY_NAME[run] for run in runs if run in _CHAINS_BY_NAME}
        named = found - {""}
        if len(named) > 1:
            return None
        if found:
            return next(iter(named), "")
    return None


def chain_of_columns(chain: str, currency: str) -> str:
    """Return the chain that the columns of a report name, "" if they leave it open; ``chain`` comes first."""
    if chain:
        named = find_chain(chain)
        if named is None:
            raise Rejected(
                "chain-unknown",
                "the chain column names no chain known here, or several; known are " + ", ".join(_NAMES),
            )
        if named:
            return named
    if _key(currency) in _UNCHECKED:
        raise Rejected("chain-unknown", "addresses of this currency's chain cannot be checked here, so none is taken")
    return find_chain(currency) or ""


_LABELLED = re.compile(r"(?:web\+)?([^:/?@]{2,40}):\s*(?://)?(.+)", re.DOTALL)
_CALL = re.compile(r"(?:pay-)?([^@/?]+)(?:@(0x[0-9a-f]+|\d+))?(?:/(\w*))?", re.IGNORECASE)
_CAIP_ID = re.compile(r"(?:\d{1,12}|[0-9a-z]{8,32}|0x[0-9a-f]{8}|mainnet):(.+)", re.IGNORECASE)
_CAIP = {"eip155": EVM, "bip122": "", "tvm": "ton"}


class LinkedAddress(NamedTuple):
    """An address in a link: the address, its chain ("" if the link leaves it open), and the customer's memo."""

    address: str
    chain: str
    memo: str = ""


def read_payment_uri(text: str) -> LinkedAddress | None:
    """Return the address in a payment URI or behind a label, None if ``text`` begins with no chain's name."""
    parts = _LABELLED.fullmatch(text)
    if parts is None:
        return None
    label, rest = parts[1].strip(), parts[2].strip()
    chain = _chain_of_label(label)
    if chain is None:
        return None
    body, _, query = rest.partition("?")
    if label.lower() == "eip155":  # CAIP-10: eip155:1:0x…
        number, _, body = body.partition(":")
        body = f"{body}@{number}"
    elif caip := _CAIP_ID.fullmatch(body):
        body = caip[1]
    if chain == EVM or chain in EVM_CHAINS:
        return _ethereum(body, query, chain)
    if chain == "ton":
        body = body.removeprefix("transfer/")  # ton://transfer/<address>
    if chain == "stellar" and body == "pay":  # web+stellar:pay?destination=<address>
        body = dict(parse_qsl(query)).get("destination", "")
    return LinkedAddress(body, chain, _memo(query))


def _chain_of_label(label: str) -> str | None:
    """Return the chain of a scheme or label, "" if it leaves the chain open, None if it names none."""
    if label.lower() in _CAIP:
        return _CAIP[label.lower()]
    chain = find_chain(label)
    return EVM if chain == "ethereum" and label.islower() else chain  # EIP-681 uses ethereum: for the whole family


def _memo(query: str) -> str:
    """Return the customer's tag, memo or comment in a payment URI, "" if there is none."""
    fields = dict(parse_qsl(query))
    return next((fields[key] for key in ("dt", "tag", "memo", "text") if fields.get(key)), "")


def _ethereum(body: str, query: str, chain: str) -> LinkedAddress:
    """Read the part behind ``ethereum:``. A transfer of a token pays its ``address``, not the token's contract."""
    call = _CALL.fullmatch(body)
    if call is None:
        return LinkedAddress(body, chain)
    address, number, function = call.groups()
    if number:
        chain_id = int(number, 16 if number.lower().startswith("0x") else 10)
        if chain_id in EVM_TEST_CHAIN_IDS:
            raise on_test_network("payment request")
        chain = EVM_CHAIN_IDS.get(chain_id, EVM)
    if function == "transfer":
        address = dict(parse_qsl(query)).get("address", "")
    elif function:
        raise Rejected(
            "not-an-address", "this URI calls a contract other than to pay; report the contract's address alone"
        )
    return LinkedAddress(address, chain)


# The chain of each block explorer by its host; "" for those of many chains, whose paths name the chain.
_EXPLORERS = {host: chain for chain, hosts in _TABLE["explorers"].items() for host in hosts.split()}
_EXPLORERS |= dict.fromkeys(_TABLE["explorers_of_many"].split(), "")
EXPLORER_HOSTS = frozenset(_EXPLORERS)
_PAGE = re.compile(
    r"(?P<before>(?:[\w-]+/){0,3}?)(?:address|addresses|account|accounts|addr|wallet|profile|contract|explorer|search)/"
    r"(?P<coin>(?:[a-z0-9-]{2,20}/)?)(?P<address>[A-Za-z0-9:_-]{24,130})(?:/.*)?",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?P<before>)(?P<coin>)(?P<address>[A-Za-z0-9:_-]{40,130})(?:/.*)?")
_VARIANT = re.compile(r"^(?:www|m|[a-z]{2})\.")
_BARE_HOSTS = frozenset({"tonviewer.com"})


def read_explorer_page(text: str) -> LinkedAddress | None:
    """Return the address that a page of a block explorer shows, with its chain; None for any other page."""
    page = split_address(text) if "/" in text else None
    if page is None:
        return None
    host = page.host if page.host in _EXPLORERS else _VARIANT.sub("", page.host)
    if (chain := _EXPLORERS.get(host)) is None:
        return None
    for place in (page.path, page.fragment):
        if found := _PAGE.fullmatch(place) or (host in _BARE_HOSTS and _ALONE.fullmatch(place)) or None:
            named = chain or find_chain(f"{found['before']} {found['coin']}".replace("/", " ")) or ""
            return LinkedAddress(found["address"], named)
    return None

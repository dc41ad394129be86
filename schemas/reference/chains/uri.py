"""Payment URIs and labelled addresses: BIP-21, EIP-681, CAIP-10, and ``BTC: …`` as people write it."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from schemas.errors import Rejected
from schemas.reference.chains import evm
from schemas.reference.chains.address import EVM, test_network
from schemas.reference.chains.names import chain_called

_LABELLED = re.compile(r"(?:web\+)?([^:/?@]{2,40}):\s*(?://)?(.+)", re.DOTALL)
_CALL = re.compile(r"(?:pay-)?([^@/?]+)(?:@(0x[0-9a-f]+|\d+))?(?:/(\w*))?", re.IGNORECASE)
_CAIP_ID = re.compile(r"(?:\d{1,12}|[0-9a-z]{8,32}|0x[0-9a-f]{8}|mainnet):(.+)", re.IGNORECASE)
_CAIP = {"eip155": EVM, "bip122": "", "tvm": "ton"}


class Request(NamedTuple):
    """What a URI asks to pay to: the address, the chain ("" where it leaves it open), an XRP destination tag."""

    address: str
    chain: str
    tag: int | None = None


def read_uri(text: str) -> Request | None:
    """Read a payment URI or a labelled address, or give None where ``text`` begins with no chain's name."""
    parts = _LABELLED.fullmatch(text)
    if parts is None:
        return None
    label, rest = parts[1].strip(), parts[2].strip()
    chain = _CAIP[label.lower()] if label.lower() in _CAIP else chain_called(label)
    if chain is None:
        return None
    if chain == "ethereum" and label.islower():
        chain = EVM  # EIP-681 uses this scheme for every chain of the family
    body, _, query = rest.partition("?")
    if label.lower() == "eip155":  # CAIP-10: eip155:1:0x…
        number, _, body = body.partition(":")
        body = f"{body}@{number}"
    elif caip := _CAIP_ID.fullmatch(body):
        body = caip[1]
    if chain == EVM or chain in evm.CHAINS:
        return _ethereum(body, query, chain)
    if chain == "ton":
        body = body.removeprefix("transfer/")  # ton://transfer/<address>
    fields = dict(parse_qsl(query))
    tag = fields.get("dt") or fields.get("tag") or ""
    return Request(body, chain, int(tag) if chain == "ripple" and tag.isdecimal() and int(tag) < 1 << 32 else None)


def _ethereum(body: str, query: str, chain: str) -> Request:
    """Read what stands behind ``ethereum:``. A transfer of a token pays its ``address``, not the token's contract."""
    call = _CALL.fullmatch(body)
    if call is None:
        return Request(body, chain)
    address, number, function = call.groups()
    if number:
        chain_id = int(number, 16 if number.lower().startswith("0x") else 10)
        if chain_id in evm.TEST_CHAIN_IDS:
            raise test_network("payment request")
        chain = evm.CHAIN_IDS.get(chain_id, EVM)
    if function == "transfer":
        address = dict(parse_qsl(query)).get("address", "")
    elif function:
        raise Rejected(
            "not-an-address", "this URI calls a contract other than to pay; report the contract's address alone"
        )
    return Request(address, chain)

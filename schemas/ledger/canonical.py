"""The canonical form of a JSON object, RFC 8785: the same bytes whoever writes it."""

import json
from typing import Any

import orjson
import rfc8785

from schemas.ledger.errors import BadFormat

# Larger integers are not the same for every reader of JSON.
_LARGEST = (1 << 53) - 1


def canonical(body: bytes) -> bytes:
    """Return the canonical form of a JSON document. Raises ``BadFormat`` where it has none (RFC 7493)."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadFormat("not JSON") from None
    if _is_plain(value):
        # The same bytes, several times as fast.
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    try:
        # Numbers beyond 64 bits are whole here.
        return rfc8785.dumps(json.loads(body, parse_constant=_refuse))
    except (rfc8785.CanonicalizationError, ValueError, RecursionError):
        raise BadFormat("the document has no canonical form: a number or a text is not the same for all") from None


def canonical_or_raw(body: bytes) -> tuple[bytes, bool]:
    """Return the canonical form of a document and True, or the document as it is and False where it has none."""
    try:
        return canonical(body), True
    except BadFormat:
        return body, False


def _is_plain(value: Any) -> bool:
    """Return whether a value has neither floats nor large integers nor keys of other letters than ASCII."""
    containers: list[Any] = [[value]]
    # It grows meanwhile.
    for container in containers:
        values = container
        if type(container) is dict:
            if not "".join(container).isascii():
                return False
            values = container.values()
        for inner in values:
            kind = type(inner)
            if kind is dict or kind is list:
                containers.append(inner)
            elif kind is not str and not (kind is bool or inner is None or _is_small(inner)):
                return False
    return True


def _is_small(value: Any) -> bool:
    return type(value) is int and -_LARGEST <= value <= _LARGEST


def _refuse(constant: str) -> Any:
    raise ValueError(constant)

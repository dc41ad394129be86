"""Contradictions: two hub reports, or heads, that one origin signed with the same number."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import orjson

from schemas.hub_head import SignedHubHead, read_head
from schemas.hub_report import EXTENSION, LONGEST, SignedReport, read
from schemas.tlog import BadFormat
from schemas.tlog.entries import canonical_of
from server.release.reasons import Reason
from server.store.database.times import stix_stamp

TYPE = "hub-contradiction"
_NAMESPACE = UUID("bbf4c776-505e-4daf-a562-f7db5a330f95")
_MARK = b'"hub-contradiction"'


class Contradiction(NamedTuple):
    """Two bodies with one number, both signed by the origin, in the order of their bytes."""

    id: str
    origin: str
    number: int
    first: SignedReport | SignedHubHead
    second: SignedReport | SignedHubHead

    @property
    def body(self) -> bytes:
        """Return the object that hubs relay; every hub makes the same of the same two bodies."""
        moment = stix_stamp(self.number)
        return canonical_of(
            {
                "type": TYPE,
                "spec_version": "2.1",
                "id": self.id,
                "created": moment,
                "modified": moment,
                "first": orjson.loads(self.first.body),
                "second": orjson.loads(self.second.body),
            }
        )


def of(one: SignedReport | SignedHubHead, other: SignedReport | SignedHubHead) -> Contradiction:
    """Return the contradiction of two signed bodies with one number."""
    first, second = sorted((one, other), key=lambda signed: signed.body)
    number = number_of(first)
    id_ = f"{TYPE}--{uuid5(_NAMESPACE, f'hub contradiction {first.origin} {number}')}"
    return Contradiction(id_, first.origin, number, first, second)


def number_of(signed: SignedReport | SignedHubHead) -> int:
    """Return the number of a report or a head."""
    return signed.head.number if isinstance(signed, SignedHubHead) else signed.number


def may_be(body: bytes) -> bool:
    """Return whether a text may be a contradiction; a hub report is none."""
    return _MARK in body


def read_contradiction(body: bytes) -> Contradiction:
    """Read a contradiction; the signatures are not verified. Raises ``Rejected``."""
    if len(body) > 3 * LONGEST:
        raise Reason.HUB_REPORT_REFUSED.rejected(why="a contradiction is too long")
    try:
        obj = orjson.loads(body)
        parts = [_part(obj[name]) for name in ("first", "second")]
    except (orjson.JSONDecodeError, BadFormat, KeyError, TypeError):
        raise Reason.HUB_REPORT_REFUSED.rejected(why="not a contradiction") from None
    found = of(*parts)
    same = (found.first.origin, number_of(found.first)) == (found.second.origin, number_of(found.second))
    if not same or not differ(found.first, found.second):
        raise Reason.HUB_REPORT_REFUSED.rejected(why="not two different bodies of one origin and number")
    return found


def differ(one: SignedReport | SignedHubHead, other: SignedReport | SignedHubHead) -> bool:
    """Return whether two bodies with one number contradict each other.

    A head may repeat its number at a later time, for the same set. A body may be signed again, with another key.
    """
    if isinstance(one, SignedHubHead) and isinstance(other, SignedHubHead):
        same_set = (one.head.reports, one.head.digest) == (other.head.reports, other.head.digest)
        return one.head.stream == other.head.stream and not same_set
    return isinstance(one, SignedReport) and isinstance(other, SignedReport) and _content(one) != _content(other)


def _content(signed: SignedReport) -> dict[str, Any]:
    context = signed.obj["extensions"][EXTENSION]
    own = {name: value for name, value in context["hub_report"].items() if name not in ("key", "signature")}
    return {**signed.obj, "extensions": {EXTENSION: {**context, "hub_report": own}}}


def _part(obj: Mapping[str, Any]) -> SignedReport | SignedHubHead:
    body = canonical_of(obj)
    return read(body) if "type" in obj else read_head(body)

"""Taking an indicator back so that every reader notices, whichever property it looks at."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from schemas import timestamp

_MILLISECOND = timedelta(milliseconds=1)


def revoked(obj: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Give the last version of an object: revoked, ended at ``at``, all else as it was.

    Some readers look at ``revoked``, some at ``valid_until`` only; that is moved to ``at``, or to the first millisecond
    after ``valid_from`` where that lies later (STIX 2.1 §4.7 wants it later), and never put off. ``modified`` is later
    than before.
    """
    version = max(at, timestamp.parse(obj["modified"]) + _MILLISECOND)
    last = {**obj, "modified": timestamp.text(version), "revoked": True}
    if obj["type"] == "indicator":
        ends = [max(at, timestamp.parse(obj["valid_from"]) + _MILLISECOND)]
        if "valid_until" in obj:
            ends.append(timestamp.parse(obj["valid_until"]))
        last["valid_until"] = timestamp.text(min(ends))
    return last

"""Taking an indicator back so that every reader notices, whichever property it looks at."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from schemas import timestamp


def revoked(obj: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Give the last version of an object: revoked, ended at ``at``, all else as it was.

    Some readers look at ``revoked``, some at ``valid_until`` only; it is moved to ``at``, or to the first millisecond
    after ``valid_from`` where that lies later (STIX 2.1 §4.7 wants it later). ``modified`` is later than before.
    """
    version = max(at, timestamp.parse(obj["modified"]) + timedelta(milliseconds=1))
    last = {**obj, "modified": timestamp.text(version), "revoked": True}
    if obj["type"] == "indicator":
        end = max(version, timestamp.parse(obj["valid_from"]) + timedelta(milliseconds=1))
        last["valid_until"] = timestamp.text(end)
    return last

"""The quality of a peer's reports: how many of those that were judged here proved right and wrong, by kind."""

from typing import Any

from server.store import reputation
from server.store.database.engine import Tx


def of_origin(tx: Tx, origin: str) -> dict[str, Any]:
    """Return the numbers of judged reports of an origin, and the share found wrong; None before any was judged."""
    name, known = reputation.of_hub(origin), reputation.calibrations_of(tx, 0.0)
    mine = {kind: found for (partner, kind), found in sorted(known.items()) if partner == name}
    wrong = sum(found.wrong for found in mine.values())
    judged = wrong + sum(found.confirmed for found in mine.values())
    return {
        "judged": judged,
        "wrong": wrong,
        "share_wrong": round(wrong / judged, 3) if judged else None,
        "kinds": [{"kind": kind, "right": found.confirmed, "wrong": found.wrong} for kind, found in mine.items()],
    }

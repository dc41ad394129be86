"""Well-formed but untrue responses of a webhook, and of a TAXII server on writes and on reads."""

import random
from typing import Any

import orjson

from tests.integration.faults import Answer
from tests.integration.peers import TAXII

JSON = {"Content-Type": "application/json"}


def of_a_webhook(chance: random.Random, path: str, asked: bytes, answer: Answer | None) -> Answer:
    """Refuse all events of a lost request, or a sample of those delivered."""
    said = [event["object"]["id"] for event in orjson.loads(asked)["data"]["events"]]
    some = said if answer is None else chance.sample(said, chance.randint(0, len(said)))
    return Answer(200, JSON, orjson.dumps({"refused": [{"id": id_, "message": "not today"} for id_ in some]}))


def of_a_post(chance: random.Random, path: str, asked: bytes, answer: Answer | None) -> Answer | None:
    """Report failures by name or by number, nothing done, or pending work."""
    if not asked:
        return Answer(200, {"Content-Type": TAXII}, b"{}")
    objects = [obj["id"] for obj in orjson.loads(asked)["objects"]]
    status = {"id": "2d086da7-4bdc-4f91-900e-d77486753710", "status": "complete", "success_count": 0}
    status |= {"total_count": len(objects), "failure_count": 0, "pending_count": 0}
    lie = chance.choice(("failures", "numbers", "nothing", "pending", "wrong"))
    if lie == "failures":
        named = [{"id": id_, "version": "", "message": "no"} for id_ in objects]
        status |= {"failure_count": len(objects), "failures": named}
    elif lie == "numbers":
        status |= {"failure_count": len(objects)}
    elif lie == "nothing":
        status |= {"total_count": 0}
    elif lie == "pending":
        status |= {"status": "pending", "pending_count": len(objects)}
    else:
        status |= {"success_count": 7, "total_count": 3}
    return Answer(202, {"Content-Type": TAXII}, orjson.dumps(status))


def of_a_page(chance: random.Random, path: str, asked: bytes, answer: Answer | None) -> Answer:
    """Return a malformed page, an empty one, or one that promises more objects."""
    page: Any = chance.choice(
        (
            {},
            [],
            {"objects": "none"},
            {"objects": [], "more": True},
            {"objects": [], "more": True, "next": "x"},
            {"objects": [{"type": "indicator"}, 7], "more": True},
            {"more": False},
        )
    )
    return Answer(200, {"Content-Type": TAXII}, orjson.dumps(page))

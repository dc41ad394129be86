"""Answers that are well formed and untrue: of a webhook, of a TAXII server that is posted to, of one that is read."""

import random
from typing import Any

import orjson

from tests.integration.faults import Answer
from tests.integration.peers import TAXII

JSON = {"Content-Type": "application/json"}


def of_a_webhook(chance: random.Random, path: str, asked: bytes, answer: Answer | None) -> Answer:
    """Refuse what has not arrived, or what has."""
    said = [event["object"]["id"] for event in orjson.loads(asked)["data"]["events"]]
    some = said if answer is None else chance.sample(said, chance.randint(0, len(said)))
    return Answer(200, JSON, orjson.dumps({"refused": [{"id": id_, "message": "not today"} for id_ in some]}))


def of_a_post(chance: random.Random, path: str, asked: bytes, answer: Answer | None) -> Answer | None:
    """Say that it failed, by name or number, that there was nothing, or that there is more to come."""
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
    """Return a page that is none, or says that there is nothing, or more that there is not."""
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

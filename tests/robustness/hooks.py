"""Hooks for rules that schemathesis cannot derive from the description: ``next`` must come from the collection."""

from contextlib import suppress
from typing import Any

import schemathesis

_given: set[tuple[Any, str]] = set()


@schemathesis.hook
def filter_query(_context: Any, query: Any) -> bool:
    """Omit objects, because a URL may contain any value in their place."""
    return not isinstance(query, dict) or not any(isinstance(value, dict) for value in query.values())


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Record the ends of pages."""
    with suppress(ValueError, AttributeError):
        token = response.json().get("next")
        if response.status_code == 200 and token:
            _given.add((_place(case), token))


# Well-formed, for a log that does not exist.
_CHECKPOINT = f"example.com/log\n1\n{'A' * 43}=\n\n— example.com/log {'A' * 96}\n"
_TEXTS = {"/cosignatures": _CHECKPOINT, "/add-checkpoint": f"old 0\n\n{_CHECKPOINT}"}


def _place(case: Any) -> tuple[Any, bool]:
    """Return the collection of a request, and whether it is about the ledger."""
    return case.path_parameters.get("collection_id"), "/log/" in case.operation.path


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Remove an invented ``next``, and malformed values, from requests that must be valid."""
    right = case.meta is not None and case.meta.generation.mode.is_positive
    if right and case.operation.path == "/api/objections" and isinstance(case.body, dict):
        case.body = {"value": "https://shop.example.com/pay", "ground": case.body.get("ground", "other")}
    for path, text in _TEXTS.items():
        if right and case.operation.path.endswith(path):
            case.body = text
    has_next = right and isinstance(case.query, dict) and "next" in case.query
    if has_next and (_place(case), case.query["next"]) not in _given:
        del case.query["next"]

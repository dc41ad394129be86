"""Objects are parsed within a budget before anything is stored, and are not kept in memory longer than needed."""

import gc
import time
from typing import Any

import msgspec
import pytest

from mappers import extension
from mappers.pattern import TOO_COSTLY, PatternBudget
from schemas.partner import Partner
from server.release.contribute import take
from server.release.guard.allowlists.lookup import Allowlists
from server.release.results import Results
from server.release.submission import Submission, prepare
from server.store import Store
from server.store.item import Item
from tests.times import text_ahead
from tests.unit.server.release.hubs import hub_on


def indicators(*patterns: str) -> list[Item]:
    moment = "2026-01-01T00:00:00.000Z"
    common: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "created": moment,
        "modified": moment,
        "valid_from": moment,
        "pattern_type": "stix",
    }
    return [
        Item.of({**common, "id": f"indicator--00000000-0000-4000-8000-{number:012}", "pattern": pattern})
        for number, pattern in enumerate(patterns)
    ]


def amounts(of: dict[str, Any]) -> list[str]:
    """Return the refusals of an object with these extension properties."""
    context = {"extension_type": "property-extension", **of}
    item = indicators("[domain-name:value = 'shop.example.net']")[0]
    obj = {**msgspec.json.decode(item.body), "extensions": {extension.ID: context}}
    return [failed.message for failed in prepare([Item.of(obj)], Allowlists()).failed]


def test_an_amount_in_no_known_currency_is_refused_with_its_field() -> None:
    hold = {"amount": "5", "until": text_ahead(days=30)}
    assert amounts({"hold": {**hold, "currency": "THB"}}) == amounts({"currency": "USDT"}) == []
    assert [message.partition(":")[0] for message in amounts({"hold": {**hold, "currency": "XYZ"}})] == [
        "hold.currency"
    ]
    assert [message.partition(":")[0] for message in amounts({"amount": "5", "currency": "XYZ"})] == ["currency"]


def odd(number: int, size: int) -> str:
    """Write a pattern that only the grammar can parse."""
    return "[" + " OR ".join([f"x-a{number}:b LIKE '{choice}'" for choice in range(size)]) + "]"


def test_odd_patterns_are_parsed_within_the_budget_and_plain_ones_always() -> None:
    plain = [f"[domain-name:value = '{number}.example.net']" for number in range(50)]
    prepared = prepare(
        indicators(*[odd(number, 20) for number in range(50)], *plain), Allowlists(), PatternBudget(5_000)
    )
    assert [failed.message.startswith("the patterns sent at once take too long") for failed in prepared.failed]
    assert 0 < 50 - len(prepared.failed) < 20
    assert len(prepared.submissions) == 100 - len(prepared.failed)
    assert TOO_COSTLY == "pattern-too-costly"


@pytest.mark.parametrize("size", [80, 400])
def test_many_odd_patterns_take_little_time(size: int) -> None:
    items = indicators(*[odd(number, size) for number in range(300)])
    began = time.thread_time()
    prepare(items, Allowlists(), PatternBudget(100_000))
    # About ten microseconds per character, and nothing for refused objects. Without a budget it takes half a minute.
    assert time.thread_time() - began < 8


def test_known_pattern_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    [item] = indicators("[(domain-name:value = 'a.example.net')]")
    [first] = prepare([item], Allowlists(), PatternBudget(1_000)).submissions

    def parses(pattern: str) -> None:
        raise AssertionError

    monkeypatch.setattr("mappers.pattern.ways_by_grammar", parses)
    [second] = prepare([item], Allowlists(), PatternBudget(1_000)).submissions
    assert first.report == second.report


def test_refused_object_leaves_no_garbage(store: Store, bank: Partner) -> None:
    items = indicators(*["[a:b LIKE 'x'] AND [c:d = 'y']"] * 50)
    with store.begin() as tx:
        take(hub_on(store), tx, bank, prepare(items, Allowlists()), Results())
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            take(hub_on(store), tx, bank, prepare(items, Allowlists()), Results())
            gc.collect()
            left = [kept for kept in gc.garbage if isinstance(kept, Submission | Item)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert left == []

"""Opinions of partners on a value never ruin its reporter's record, and raise it within bounds."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas.partner import Partner
from schemas.vocabulary import OutcomeWord as OutcomeWord
from server.release.context import open_context
from server.release.fuse.confidence import NEWCOMER
from server.release.results import Results
from server.store import Store
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Listed = Callable[..., str]

SAID = text_ago(days=30)


def reliability(store: Store, partner: Partner) -> float:
    with store.begin() as tx:
        return open_context(hub_on(store), tx).reliability(partner, "domain")


def acted(by: Partner, word: str, refs: list[str], number: int = 0) -> dict[str, Any]:
    """Return one object that states the same outcome for many values."""
    return {
        "type": "opinion",
        "spec_version": "2.1",
        "id": f"opinion--00000000-0000-4000-8000-{number:012d}",
        "created_by_ref": by.identity,
        "created": SAID,
        "modified": SAID,
        "opinion": "agree",
        "object_refs": refs,
        "extensions": {extension.ID: {"extension_type": "property-extension", "outcome": word}},
    }


@pytest.fixture
def bank(joins: Joins) -> Partner:
    return joins("First Bank", reads=["takedown"])


@pytest.fixture
def police(joins: Joins) -> Partner:
    return joins("Police", "government", reads=["takedown"])


@pytest.mark.parametrize("stated", ["0", "15", "50", "99", None], ids=str)
@pytest.mark.parametrize("word", [OutcomeWord.BLOCKED, OutcomeWord.TAKEN_DOWN, OutcomeWord.HELD])
@pytest.mark.parametrize("apart", [False, True], ids=["one object", "an object each"])
def test_outcomes_never_lower_a_reporters_record(
    store: Store,
    stix: Stix,
    post: Post,
    listed: Listed,
    bank: Partner,
    police: Partner,
    stated: str | None,
    word: str,
    apart: bool,
) -> None:
    """One object with 40 ``blocked`` outcomes lowered a reporter of 15 of these values from 0.8 to 0."""
    columns = {"confidence": stated} if stated else {}
    said = [stix(f"bad{number}.example.com", reporter=bank.name, **columns)[1] for number in range(40)]
    post(*said, by=bank)
    refs = [listed(each) for each in said]
    batches = [[ref] for ref in refs] if apart else [refs]
    assert not post(*(acted(police, word, each, number) for number, each in enumerate(batches)), by=police).failed
    assert NEWCOMER <= reliability(store, bank) <= 0.87


def test_a_second_login_confirms_nothing(
    store: Store, stix: Stix, post: Post, listed: Listed, joins: Joins, bank: Partner
) -> None:
    app = joins("First Bank App", reads=["takedown"], organisation="First Bank")
    said = stix(reporter=bank.name, confidence="90")[1]
    post(said, by=bank)
    post(acted(app, "blocked", [listed(said)]), by=app)
    assert reliability(store, bank) == NEWCOMER

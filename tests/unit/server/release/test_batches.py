"""Many objects in one call need no more store queries than a few, and are read once."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from mappers import extension, ids
from schemas.partner import Partner
from server.release.fuse import loader
from server.release.results import Results
from server.store import Store
from tests.times import text_ago

Joins = Callable[..., Partner]
Listed = Callable[..., str]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Asked = Callable[..., int]

LATER = text_ago(days=30)


@pytest.fixture
def asked(store: Store, post: Post) -> Asked:
    """Count the SQL statements of a contribution."""

    def count(*objects: dict[str, Any], by: Partner) -> int:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            assert not post(*objects, by=by).failed
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(statements)

    return count


def blocked(by: Partner, *listings: str) -> dict[str, Any]:
    ours = {extension.ID: {"extension_type": "property-extension", "outcome": "blocked"}}
    said = {"type": "opinion", "spec_version": "2.1", "created_by_ref": by.identity, "created": LATER}
    id_ = f"opinion--{ids.in_scamfeed({'of': list(listings)})}"
    return {**said, "id": id_, "modified": LATER, "opinion": "agree", "object_refs": [*listings], "extensions": ours}


@pytest.mark.parametrize("limits", [{}, {"not_to_countries": "KH"}], ids=["shared", "to own rooms"])
@pytest.mark.parametrize("creator", ["First Bank", "Somebody Else"])
def test_repeats_and_revocations_are_looked_up_together(
    joins: Joins, stix: Stix, post: Post, asked: Asked, limits: dict[str, str], creator: str
) -> None:
    by = joins("First Bank", reads=["takedown"], forwards=True)
    joins("Second Bank", reads=["takedown"])
    batches = [
        [stix(f"{name}{number}.example.com", reporter=creator, **limits)[1] for number in range(size)]
        for name, size in (("warm", 2), ("few", 2), ("many", 30))
    ]
    for change in (
        {},
        {"modified": LATER, "confidence": 90},
        {"modified": text_ago(days=29), "revoked": True},
    ):
        _, few, many = (asked(*({**each, **change} for each in batch), by=by) for batch in batches)
        assert many <= few + 2, change


def test_outcomes_of_many_values_are_counted_together(
    joins: Joins, stix: Stix, post: Post, asked: Asked, listed: Listed
) -> None:
    first, second = joins("First Bank"), joins("Second Bank", reads=["takedown"])
    # Confidence so low that a correct report does not change how the values are listed.
    said = [stix(f"bad{number}.example.com", reporter=first.name, confidence="10")[1] for number in range(40)]
    post(*said, by=first)
    opinions = [blocked(second, listed(each)) for each in said]
    asked(*opinions[:4], by=second)
    few, many = asked(*opinions[4:8], by=second), asked(*opinions[8:], by=second)
    assert many <= few + 2


def test_an_opinion_of_many_values_is_read_once(
    joins: Joins, stix: Stix, post: Post, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = joins("First Bank"), joins("Second Bank", reads=["takedown"])
    said = [stix(f"bad{number}.example.com", reporter=first.name)[1] for number in range(20)]
    post(*said, by=first)
    read: list[str] = []

    def noting(obj: dict[str, Any], partner: Partner) -> Any:
        read.append(obj["id"])
        return known(obj, partner)

    known = loader.read_annotation
    monkeypatch.setattr(loader, "read_annotation", noting)
    opinion = blocked(second, *map(listed, said))
    post(opinion, by=second)
    assert read == [opinion["id"]]


def test_contribution_in_parts_is_one_contribution(
    monkeypatch: pytest.MonkeyPatch,
    stix: Stix,
    post: Post,
    held_by: Callable[[str], dict[str, dict[str, Any]]],
    published: Callable[[dict[str, Any]], str],
    bank: Partner,
) -> None:
    monkeypatch.setattr("server.release.contribute._AT_ONCE", 2)
    indicators = [stix(f"h{number}.example.com")[1] for number in range(5)]
    opinion = blocked(bank, indicators[-1]["id"])
    outcome = post(opinion, *indicators)
    assert {each.id for each in outcome.accepted} == {opinion["id"], *(each["id"] for each in indicators)}
    assert published(opinion) in held_by("sightings")
    assert len([each for each in held_by("takedown").values() if each["type"] == "indicator"]) == 5

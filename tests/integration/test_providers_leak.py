"""An account's provider, and notes that only it receives, change no byte that other partners see."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mappers import ids
from schemas.partner import Partner
from server.store import hub_identity, listings, partners
from tests.integration.two_worlds import (
    NAMES,
    Clock,
    Ground,
    Step,
    World,
    difference,
    hub_ids,
    prepared,
    report_of,
    world_on,
)

PROVIDER, ACCOUNT = "Exchange", 2
RED = (("tlp", "red"), ("only_partners", "Police"))
GREEN = (("tlp", "green"),)
STEPS = [
    Step("First Bank", value=ACCOUNT, columns=GREEN),
    Step("Platform", value=ACCOUNT, columns=GREEN),
    Step("Police", "sighting", ACCOUNT),
    Step("First Bank", "blocked", ACCOUNT),
    Step("First Bank", "retract", ACCOUNT),
    Step("Second Bank", value=ACCOUNT, columns=RED),
    Step("Newcomer", value=ACCOUNT, columns=(("tlp", "clear"), ("not_to_partners", PROVIDER))),
    Step("Platform", "retract", ACCOUNT),
]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with TemporaryDirectory() as folder:
        yield prepared(Path(folder))


@contextmanager
def _worlds(ground: Ground) -> Iterator[tuple[World, World, Clock]]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        worlds = [stack.enter_context(world_on(ground, folder / name)) for name in ("one.db", "other.db")]
        # Page tags grow by random amounts. Here a tag counts how often the rows of a page have changed.
        patch.setattr("server.store.objects.rows.secrets.randbelow", lambda _: 0)
        yield worlds[0], worlds[1], Clock(patch)


def _keeps(world: World, *institutions: str) -> None:
    with world.store.begin() as tx:
        before = partners.get(tx, PROVIDER)
        partners.change(tx, Partner(**{**before.model_dump(), "institutions": institutions}))


def _asked_for(world: World) -> set[str]:
    """Return the ids of the account's listings, including those for its provider."""
    report = report_of(Step("Police", value=ACCOUNT))
    subject, track = f"{report.kind}:{report.value}", listings.track_of_provider(PROVIDER)
    with world.store.read() as tx:
        secret = hub_identity.secret(tx, "ids")
    return {*hub_ids(world, [ACCOUNT]), ids.of_hub(secret, "indicator", "listing", subject, track, 0)}


def _same(one: World, other: World, names: set[str]) -> None:
    asked = _asked_for(one)
    for name in sorted(names):
        assert one.answers_to(name) == other.answers_to(name)
        seen, expected = one.sees(name, asked), other.sees(name, asked)
        for path, answer in expected.items():
            assert seen[path] == answer, f"{name}: {path}: {difference(seen[path][2], answer[2])}"


@pytest.mark.long_but("3")
@pytest.mark.parametrize("steps", range(1, len(STEPS) + 1, 2))
def test_provider_of_the_account_is_invisible_to_others(ground: Ground, steps: int) -> None:
    with _worlds(ground) as (kept, unkept, clock):
        _keeps(kept, "KASITHBK")
        _keeps(unkept, "BKKBTHBK")
        for number, step in enumerate(STEPS[:steps]):
            clock.at(number)
            kept.take(number, step)
            unkept.take(number, step)
        clock.at(steps)
        _same(kept, unkept, {*NAMES} - {PROVIDER})


def test_provider_cannot_identify_the_reporters(ground: Ground) -> None:
    with _worlds(ground) as (one, other, clock):
        for world, reporter, words in ((one, "First Bank", "ours"), (other, "Second Bank", "by the other desk")):
            _keeps(world, "KASITHBK")
            columns = (("tlp", "red"), ("description", words), ("reference", words), ("confidence", "80"))
            clock.at(0)
            world.take(0, Step(reporter, value=ACCOUNT, columns=columns))
        clock.at(1)
        _same(one, other, {PROVIDER})
        assert one.sees(PROVIDER, set())["/feed/collections/"][2].count(b"accounts-exchange")


def test_notes_and_findings_of_the_provider_change_nothing_for_others(ground: Ground) -> None:
    with _worlds(ground) as (heard, unheard, clock):
        for world in (heard, unheard):
            _keeps(world, "KASITHBK")
        clock.at(0)
        heard.take(0, Step("Police", value=ACCOUNT, columns=(("tlp", "red"),)))
        _same(heard, unheard, {*NAMES} - {PROVIDER, "Police"})

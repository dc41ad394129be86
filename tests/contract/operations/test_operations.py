"""The contract of every operation in the registry: right, dual control, audit trail, and repetition."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from schemas.errors import Rejected
from server.operations import registry
from server.operations.operation import Act, Actor, DualControlOperation, ExternalAct, TrailEntry
from server.operations.rights import ANYBODY, COMMANDS, EVERY_USER, PROGRAM, SYSTEM
from server.operations.run import NotPermitted, dry_run, run
from server.release.hub import Hub
from server.store import Store, audit, partners
from server.store.operators import users
from server.store.operators.users import OperatorRole
from server.store.proposals.proposals import Proposal
from tests import operators_desk as desk
from tests.contract.operations.examples import ALWAYS_PROPOSED, EXAMPLES, NEED_SECOND_PERSON
from tests.contract.operations.examples_of_people import PERSON
from tools import operations_table

EVERY_RIGHT = sorted(ANYBODY | EVERY_USER | {PROGRAM})
OPERATIONS = registry.every()


@pytest.fixture
def hub(desk_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    # Operations that write files get relative paths.
    monkeypatch.chdir(tmp_path)
    store = Store.open(f"sqlite:///{shutil.copy(desk_store, tmp_path / 'hub.db')}")
    yield Hub(store)
    store.close()


def entries_by(hub: Hub, name: str) -> list[str]:
    """Return the verbs and objects of a person's audit entries."""
    with hub.store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 1_000)]
    return [f"{event.method} {event.route}" for event in events if event.remote == name]


def actors(hub: Hub) -> list[str]:
    """Return the actors of all audit entries, in the order of their arrival."""
    with hub.store.read() as tx:
        return list(tx.execute(text("SELECT remote FROM audit ORDER BY rowid")).scalars())


def actor_for(operation: Act[Any], right: str) -> Actor:
    is_partners = right.startswith("partner-")
    return Actor(PERSON, right, (operation.acts_for() or desk.REPORTER) if is_partners else None)


def test_each_operation_has_an_example() -> None:
    assert set(EXAMPLES) == set(OPERATIONS)
    # Some have several examples, named after a colon.
    named = {name.partition(":")[0] for name in NEED_SECOND_PERSON}
    assert named == {name for name, operation in OPERATIONS.items() if operation.dual_control}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_described_and_has_a_front_end(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.__doc__
    assert operation.rights <= set(EVERY_RIGHT)
    assert bool(operation.dual_control) or not issubclass(operation, DualControlOperation)
    assert operation.verb.isupper()
    assert operations_table.front_ends()[operation.__name__]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_run_leaves_an_entry_with_its_actor(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    before = len(actors(hub))
    run(hub, operation, Actor.system(PERSON))
    assert set(actors(hub)[before:]) == {PERSON}


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_right_leaves_an_entry_without_its_actor(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    before = len(actors(hub))
    for right in sorted(operation.rights):
        actor = Actor.anybody() if right in ANYBODY else actor_for(operation, right)
        if right == PROGRAM:
            with hub.store.read() as tx:
                actor = Actor.program(partners.get(tx, operation.acts_for() or desk.REPORTER), "")
        with suppress(Rejected, LookupError, ValueError, NotPermitted):
            run(hub, operation, actor)
    assert "" not in actors(hub)[before:]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_dry_run_tells_what_the_run_does_and_changes_nothing(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    before = content_of(hub)
    told = dry_run(hub, operation, Actor.system(PERSON))
    assert content_of(hub) == before
    run(hub, operation, Actor.system(PERSON))
    assert [f"{entry.method} {entry.route}" for entry in told.entries] == entries_by(hub, PERSON)


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.texts])
def test_personal_data_in_a_text_is_refused_by_its_name(hub: Hub, name: str) -> None:
    example = EXAMPLES[name](hub)
    for field in example.texts:
        operation = example.model_copy(update={field: "the passport: AA 123 4567 is that of the holder"})
        before = content_of(hub)
        for act in (run, dry_run):
            with pytest.raises(Rejected, match=f"^personal-data: {field}: it contains") as refusal:
                act(hub, operation, Actor.system(PERSON))
            assert "4567" not in str(refusal.value)
        assert content_of(hub) == before


class ManyEntries(ExternalAct):
    """Writes more entries than any page shows."""

    rights = COMMANDS

    def entries(self, result: None) -> list[TrailEntry]:
        return [TrailEntry("DO", "much", reference=str(number)) for number in range(1_200)]


def test_a_dry_run_tells_all_entries(hub: Hub) -> None:
    assert len(dry_run(hub, ManyEntries(), Actor.system(PERSON)).entries) == 1_200


@pytest.mark.parametrize("name", NEED_SECOND_PERSON)
def test_a_dry_run_tells_the_effects_that_a_second_person_confirms(hub: Hub, name: str) -> None:
    strict = replace(hub, most_readers_by_one=0)
    operation = NEED_SECOND_PERSON[name](strict)
    add_approvers(hub)
    before = content_of(hub)
    told = dry_run(strict, operation, Actor.system(PERSON))
    assert all(proposal.effects for proposal in told.proposals)
    assert told.proposals
    assert content_of(hub) == before


@pytest.mark.parametrize("name", OPERATIONS)
def test_actors_without_the_right_are_refused_and_change_nothing(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    for right in EVERY_RIGHT:
        if right not in operation.rights:
            with pytest.raises(NotPermitted):
                run(hub, operation, actor_for(operation, right))
    assert not entries_by(hub, PERSON)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_partner_acts_in_its_own_name_only(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    if operation.acts_for() is None:
        return
    for right in sorted(operation.rights):
        if right.startswith("partner-"):
            with pytest.raises(NotPermitted):
                run(hub, operation, Actor(PERSON, right, "Another Partner"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_right_of_an_operation_allows_it(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    for right in sorted(operation.rights):
        # The first run changes something. Later runs are refused with a reason, and never cause an error.
        run_again(hub, operation, actor_for(operation, right))
    assert not operation.rights or entries_by(hub, PERSON)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_run_twice_is_accepted_or_refused_with_a_reason(hub: Hub, name: str) -> None:
    operation = EXAMPLES[name](hub)
    run(hub, operation, Actor.system(PERSON))
    run_again(hub, operation, Actor.system(PERSON))


def run_again(hub: Hub, operation: Act[Any], actor: Actor) -> None:
    """Run an operation that may be done already. Any error except a refusal fails the test."""
    with suppress(Rejected, LookupError, ValueError):
        run(hub, operation, actor)


@pytest.mark.parametrize("name", NEED_SECOND_PERSON)
def test_dual_control_is_the_same_for_people_and_commands(hub: Hub, name: str) -> None:
    strict = replace(hub, most_readers_by_one=0)
    operation = NEED_SECOND_PERSON[name](strict)
    for right in sorted(operation.rights)[:1]:
        assert proposals_of(run(strict, operation, actor_for(operation, right)))
    add_approvers(hub)
    assert proposals_of(run(strict, operation, Actor.system("Malee K.")))
    assert "PROPOSE proposal" in entries_by(hub, "Malee K.")


@pytest.mark.parametrize("name", sorted(NEED_SECOND_PERSON.keys() - ALWAYS_PROPOSED))
def test_commands_need_no_second_person_before_there_are_two(hub: Hub, name: str) -> None:
    strict = replace(hub, most_readers_by_one=0)
    done = run(strict, NEED_SECOND_PERSON[name](strict), Actor(PERSON, SYSTEM))
    assert not proposals_of(done)


def content_of(hub: Hub) -> list[str]:
    """Return the rows of all tables, and the names of the files in the folder."""
    with closing(sqlite3.connect(str(hub.store.url).removeprefix("sqlite:///"))) as database:
        return [*database.iterdump(), *sorted(str(file) for file in Path().rglob("*") if "hub.db" not in file.name)]


def proposals_of(done: Any) -> list[Proposal]:
    """Return the proposals of a run: its result, or those in the result of a bulk decision."""
    return [done] if isinstance(done, Proposal) else list(getattr(done, "proposed", ()))


def add_approvers(hub: Hub) -> None:
    with hub.store.begin() as tx:
        for name in ("First Approver", "Second Approver"):
            users.add(tx, name, OperatorRole.APPROVER, "Somebody")


def test_actions_under_dual_control_are_proposed_by_an_operation_with_a_rule() -> None:
    assert len(registry.actions()) > 10
    for name, operation in OPERATIONS.items():
        assert bool(operation.actions) == bool(operation.dual_control), name

"""A partner outside a request sees the same bytes as on a hub without that request."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mappers.notes import note_id
from schemas import timestamp
from schemas.request import Request, RequestAnswer
from server.features.requests import desk, records as requests
from server.release.hub import Hub
from server.store import Store, collections, partners
from tests.integration.two_worlds import (
    VALUES,
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

PLACE = 2
OPEN = Step("First Bank", value=PLACE, columns=(("tlp", "green"),))
LATER = Step("Exchange", value=PLACE, columns=(("tlp", "amber"),))
BYSTANDERS = ("Exchange", "First Bank", "Newcomer", "Platform")


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with TemporaryDirectory() as folder:
        found = prepared(Path(folder))
        store = Store.open(f"sqlite:///{found.file}")
        give_roles(store)
        store.close()
        yield found


def give_roles(store: Store) -> None:
    """Give the police authority, assign the account to a bank, and create the private collections of the others.

    Page tags depend on the random id of a collection.
    """
    with store.begin() as tx:
        police, bank = partners.get(tx, "Police"), partners.get(tx, "Second Bank")
        partners.change(tx, police.model_copy(update={"authority": ("bank-account",)}))
        partners.change(tx, bank.model_copy(update={"institutions": ("KASITHBK",)}))
        for name in BYSTANDERS:
            collections.private_collection(tx, name, "for")
            collections.private_collection(tx, name, "outcomes")


def freeze(world: World) -> set[str]:
    """Let the police freeze money at the bank, which responds, and return all resulting ids."""
    report, at = report_of(Step("Police", value=PLACE)), timestamp.now()
    asked: dict[str, Any] = {
        **{"reporter": "Police", "reported_at": at, "asks": "freeze", "of": f"bank-account:{report.value}"},
        **{"reference": "C-1", "amount": "100", "currency": "THB", "legal_basis": "police-order"},
        **{"deadline": at + timedelta(hours=4), "until": at + timedelta(hours=12)},
    }
    hub = Hub(world.store)
    with world.store.begin() as tx:
        id_ = desk.send(hub, tx, partners.get(tx, "Police"), Request.model_validate(asked)).view.id
    with world.store.begin() as tx:
        answer = {"reporter": "Second Bank", "reported_at": at, "request": id_, "state": "acknowledged"}
        desk.send(hub, tx, partners.get(tx, "Second Bank"), RequestAnswer.model_validate(answer))
        hold = requests.find(tx, [id_])[id_].hold
        made = [collections.find_private(tx, "Second Bank", use) for use in ("requests", "for", "outcomes")]
    assert hold is not None
    assert None not in made
    return {note_id(id_), hold}


def test_freeze_is_invisible_outside_its_parties(ground: Ground) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory() as folder,
        world_on(ground, Path(folder) / "with.db") as told,
        world_on(ground, Path(folder) / "without.db") as untold,
    ):
        clock = Clock(patch)
        patch.setattr("server.store.objects.rows.secrets.randbelow", lambda _: 0)
        for number, step in enumerate((OPEN, None, LATER, Step("Exchange", "retract", PLACE))):
            clock.at(number)
            if step is None:
                secret = freeze(told)
                continue
            for world in (told, untold):
                world.take(number, step)
        ids = hub_ids(told, {PLACE}) | secret
        assert VALUES[PLACE]["kind"] == "bank-account"
        for name in BYSTANDERS:
            assert told.answers_to(name) == untold.answers_to(name)
            seen, expected = told.sees(name, ids), untold.sees(name, ids)
            for path, answer in expected.items():
                assert seen[path] == answer, f"{name}: {path}: {difference(seen[path][2], answer[2])}"
            assert seen.keys() == expected.keys()

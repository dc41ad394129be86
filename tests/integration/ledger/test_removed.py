"""Missing objects of a log, deleted in the database or removed by the hub, on either database."""

import json
import uuid
from typing import Any

import requests
from sqlalchemy import delete, select

from server.store import collections
from server.store.objects import bodies
from server.store.tables import objects
from tests.integration.ledger.conftest import SealedScamfeed
from tests.integration.ledger.test_verify import save

TAXII = "application/taxii+json;version=2.1"
EXCHANGE = "task-force"


def test_a_deleted_leaf_is_unknown(harmed: SealedScamfeed) -> None:
    harmed.report("kept.example.com", "hidden.example.com")
    read = harmed.objects()
    hidden = [obj["id"] for obj in read if "hidden.example" in json.dumps(obj)]
    file, state = save(harmed.folder, read), harmed.folder / "state.db"
    assert harmed.verify(file, "--state", state)[0] == 0
    _delete_by_sql(harmed, b"hidden.example")
    for more in ((), ("--state", state)):
        code, answer = harmed.verify(file, *more)
        assert (code, answer["unknown"], answer["withdrawn"]) == (1, len(hidden), 0)
        assert [failing["id"] for failing in answer["failing"]] == hidden
        assert (answer["proven"], answer["consistent"]) == (len(read) - len(hidden), True)


def test_removed_object_is_withdrawn_for_its_readers_and_unknown_to_others(harmed: SealedScamfeed) -> None:
    with harmed.store.begin() as tx:
        collections.grant(tx, "reader", collections.add(tx, EXCHANGE, "Task force"), read=True, write=True)
    gone, kept = _post(harmed, "gone"), _post(harmed, "kept")
    harmed.seal()
    file, state = save(harmed.folder, harmed.objects(EXCHANGE)), harmed.folder / "state.db"
    assert harmed.verify(file, "--state", state, collection=EXCHANGE)[1]["proven"] == 2
    before = _size(harmed)
    answer = _send(harmed, "DELETE", f"objects/{gone}/")
    assert answer.status_code == 200, answer.text
    assert harmed.run_at_hub("log", "seal").exit_code == 0
    harmed.seal()
    assert [obj["id"] for obj in harmed.objects(EXCHANGE)] == [kept]
    assert _size(harmed) == before + 1
    for more, verdict in (((), "unknown"), (("--state", state), "withdrawn")):
        code, found = harmed.verify(file, *more, collection=EXCHANGE)
        assert (code, found["proven"], found["consistent"]) == (1, 1, True)
        assert found["failing"] == [{"id": gone, "verdict": verdict}]


def _send(hub: SealedScamfeed, method: str, path: str, body: Any = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {hub.tokens['reader']}", "Accept": TAXII, "Content-Type": TAXII}
    url = f"{hub.url}feed/collections/{EXCHANGE}/{path}"
    return requests.request(method, url, json=body, headers=headers, timeout=60)


def _post(hub: SealedScamfeed, name: str) -> str:
    """Post an object to the exchange, and return its id."""
    id_, moment = f"identity--{uuid.uuid4()}", "2026-01-01T00:00:00.000Z"
    obj = {"type": "identity", "spec_version": "2.1", "id": id_, "created": moment, "modified": moment, "name": name}
    answer = _send(hub, "POST", "objects/", {"objects": [obj]})
    assert answer.json()["success_count"] == 1, answer.text
    return id_


def _size(hub: SealedScamfeed) -> int:
    """Return the size of the exchange's log as shown to the operator."""
    logs = json.loads(hub.run_at_hub("log", "status", "--json").stdout)["logs"]
    return next(int(log["size"]) for log in logs if log["collection"] == EXCHANGE)


def _delete_by_sql(hub: SealedScamfeed, text: bytes) -> None:
    """Delete the rows of listings with a text, as an attacker with database access can."""
    with hub.store.begin() as tx:
        rows = tx.execute(select(objects.c.collection, objects.c.date_added, objects.c.parts, objects.c.body)).all()
        for row in rows:
            if any(text in part for part in bodies.of(tx).all_of(tx, row.body)):
                of_row = (objects.c.collection == row.collection, objects.c.date_added == row.date_added)
                tx.execute(delete(objects).where(*of_row, objects.c.parts == row.parts))

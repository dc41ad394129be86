"""A fault in any function that answers a request: status 500, an id that the log has, and no effect on others."""

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import pytest

from schemas.partner import Partner, PartnerKind
from server import app as application
from server.settings import Settings
from server.store import Store, collections, partners
from server.web.taxii.response import JSON, PROBLEM, TAXII
from tests.conformance.peer import indicator
from tests.postgres import Postgres
from tests.robustness.faulty import SECRET, Answer, FaultyServer, Line

HEALTH = b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"
_HTML = "text/html; charset=utf-8"


class Case(NamedTuple):
    """A request, the media type of its answer to a fault, and whether its response is sent in parts."""

    method: str
    path: str
    fault_type: str
    headers: str = ""
    body: str = ""
    is_long: bool = False
    is_endless: bool = False

    def written(self, token: str, room: str) -> bytes:
        """Return the bytes of the request."""
        length = f"Content-Length: {len(self.body)}\r\n" if self.body else ""
        login = f"Authorization: Bearer {token}\r\n"
        # A parameter that no route knows, so that no cache has the response.
        path = f"{self.path}{'&' if '?' in self.path else '?'}unknown={uuid.uuid4()}".replace("ROOM", room)
        return f"{self.method} {path} HTTP/1.1\r\nHost: hub\r\n{login}{self.headers}{length}\r\n{self.body}".encode()


_ROOM = "/feed/collections/ROOM/objects/"
_OF_TAXII = f"Accept: {TAXII}\r\nContent-Type: {TAXII}\r\n"
_OF_API = f"Content-Type: {JSON}\r\n"
CASES = {
    "discovery": Case("GET", "/taxii2/", TAXII, _OF_TAXII),
    "collections": Case("GET", "/feed/collections/", TAXII, _OF_TAXII),
    "page-of-objects": Case("GET", f"{_ROOM}?limit=2", TAXII, _OF_TAXII),
    "head": Case("HEAD", f"{_ROOM}?limit=2", TAXII, _OF_TAXII),
    "gzip": Case("GET", _ROOM, TAXII, f"{_OF_TAXII}Accept-Encoding: gzip\r\n"),
    "zstd": Case("GET", _ROOM, TAXII, f"{_OF_TAXII}Accept-Encoding: zstd\r\n"),
    "manifest": Case("GET", "/feed/collections/ROOM/manifest/", TAXII, _OF_TAXII),
    "post": Case("POST", _ROOM, TAXII, _OF_TAXII, json.dumps({"objects": [indicator()]})),
    "lookup": Case("POST", "/api/lookup", PROBLEM, _OF_API, '{"values": [{"value": "shop.example.com"}]}'),
    "check": Case("GET", "/api/check?value=shop.example.com", PROBLEM),
    "hash-prefixes": Case("GET", "/v5/hashLists", PROBLEM),
    "page": Case("GET", "/", _HTML, "Accept: text/html\r\nAccept-Language: th\r\n"),
    "nowhere": Case("GET", "/no-such-page", PROBLEM),
    "active-set": Case("GET", "/api/collections/ROOM/active", PROBLEM, "Accept-Encoding: gzip\r\n", is_long=True),
    "stream": Case(
        "GET", "/api/collections/ROOM/stream?added_after=2020-01-01T00:00:00Z", PROBLEM, is_long=True, is_endless=True
    ),
}


class Hub(NamedTuple):
    """The server, the token of its partner, and the id of the partner's collection."""

    server: FaultyServer
    token: str
    room: str

    def asked(self, case: Case) -> bytes:
        """Return the bytes of the request of a case, and of one for the health of the hub behind it."""
        written = case.written(self.token, self.room)
        return written if case.is_endless else written + HEALTH


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('initial_store'), tmp_path / 'hub.db')}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.database(request.getfixturevalue("postgres_initial")))
    with closing(Store.open(url)) as store, store.begin() as tx:
        identity = "identity--5c8f4c0a-4b37-4b9f-8a39-1f4f1fbd7f0e"
        told = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=identity, vouched=True))
        room = collections.add(tx, "room", "Room")
        collections.grant(tx, "bank", room, read=True, write=True)
    flask = application.create_app(Settings(database_url=url, background=False, check_rate_limit=100_000))
    with FaultyServer(flask.extensions["scamfeed-taxii"]) as server:
        hub = Hub(server, told.token, room.id)
        objects = json.dumps({"objects": [indicator(description="x" * 300) for _ in range(12)]})
        with server.connect() as line:
            line.send(CASES["post"]._replace(body=objects).written(hub.token, hub.room))
            assert line.answer().status == 202
        yield hub
    application.close(flask)


def stages_of(hub: Hub, case: Case) -> list[CodeType]:
    """Return the functions that answer a request, as found by watching two of them."""
    hub.server.stages.seen.clear()
    for _ in range(2):
        with hub.server.connect() as line, hub.server.watched():
            answers = answers_to(line, hub, case)
    assert not any(answer.status >= 500 for answer in answers)
    return list(hub.server.stages.seen)


def answers_to(line: Line, hub: Hub, case: Case) -> list[Answer]:
    """Send the request and one for the health of the hub at once, and return the answers; the last may be missing."""
    line.send(hub.asked(case))
    answers = [line.answer(case.method, 100_000 if case.is_endless else None)]
    if answers[0].stays and not case.is_endless:
        answers.append(line.answer())
    return answers


def check(hub: Hub, case: Case, stage: CodeType, caplog: pytest.LogCaptureFixture) -> bool:
    """Let a stage fail, and check the answers and the log. Return whether an answer says that it failed."""
    caplog.clear()
    with hub.server.connect() as bystander, hub.server.connect() as line:
        bystander.send(HEALTH)
        assert bystander.answer().status == 200
        with hub.server.watched(stage):
            try:
                answers = answers_to(line, hub, case)
            except (HTTPException, ConnectionError):
                # Only a response that is sent in parts may be cut short.
                if not case.is_long:
                    raise
                answers = []
        bystander.send(HEALTH)
        assert bystander.answer().status == 200
    if not hub.server.stages.has_failed:
        # A cache has what the function returns.
        return False
    logged = re.findall(r"failure error_id=([-0-9a-f]{36})", caplog.text)
    assert SECRET in caplog.text
    failed = [answer for answer in answers if answer.status == 500]
    assert len(failed) <= 1
    assert logged or not failed
    # The rest are as usual, and only an answer that says so is the last one.
    assert all(answer.status in (200, 202, 404) for answer in answers if answer not in failed)
    assert all(SECRET.encode() not in answer.body for answer in answers)
    if failed and answers[0] in failed and case.method != "HEAD":
        # While the head is received, the path is not known.
        is_known = not stage.co_filename.endswith(("receiver.py", "messages.py"))
        assert answers[0].headers["content-type"] in ((case.fault_type,) if is_known else (case.fault_type, PROBLEM))
        assert any(error_id.encode() in answers[0].body for error_id in logged)
        if answers[0].headers["content-type"] != _HTML:
            assert json.loads(answers[0].body)["http_status"] == "500"
    # A body that is refused before it is read ends its connection, and so does a request that cannot be parsed.
    if f"{os.sep}http{os.sep}" not in stage.co_filename and case.method != "POST" and not case.is_long:
        assert len(answers) == 2
    return bool(failed)


@pytest.mark.long_but("page-of-objects", "post", "check", "page")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fault_in_any_stage_is_answered(hub: Hub, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    problems, answered = list[str](), 0
    stages = stages_of(hub, case)
    for stage in stages:
        try:
            answered += check(hub, case, stage, caplog)
        except (AssertionError, HTTPException, OSError) as problem:
            problems.append(f"{stage.co_filename.split('/server/')[-1]} {stage.co_qualname}: {problem!r:.300}")
    assert not problems, "\n".join([f"{len(problems)} of {len(stages)} stages:", *problems])
    assert answered > len(stages) // 2

"""The number of an identity document is refused at every door, and the harmless report beside it arrives.

The sender is told the field and the rule. Afterwards the number is only where an erasure reaches. All invented.
"""

import html
import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import LargeBinary, Text, select

from feeds.connectors import build
from mappers.indicator import to_stix
from schemas.readings import normalised
from schemas.tabular import ReportReader
from server.app import close, create_app
from server.features.uploads import rows as upload_rows
from server.features.uploads.drafts import State, Upload, find
from server.features.uploads.job import UploadReadingThread, UploadSendingThread
from server.release.guard.personal_data.documents import DOCUMENT
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store, feed_state, reviews
from server.store.objects import bodies
from server.store.operators import sessions, users
from server.store.operators.users import PartnerRole
from server.store.tables import Erase, declared, objects
from server.web.shell.field_words import FIELD_LABELS
from server.web.taxii.application import TaxiiApplication, call_wsgi
from tests.contract.connectors.live_stream import START, LiveStream, indicator as of_opencti, listening
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.integration.command import Run, answer
from tests.integration.federation.exchanging import ExchangingHub
from tests.integration.taxii_hub import TAXII
from tests.running import run as run_feed
from tests.times import ago, text_ago, text_ahead

BANK = "First Bank"
REFUSED, ARRIVES = "told-of-a-person.example.com", "told-of-nobody.example.com"
NEEDLE = "aa1234567"
SPELLINGS = {
    "groups": "passport: AA 123 4567 of Jane Doe",
    "full width": "หนังสือเดินทาง ＡＡ-１２３-４５６７",
    "Thai digits": "hộ chiếu số AA.๑๒๓.๔๕๖๗",
    "before the word": "Jane Doe, AA1234567 (identity card)",
}
# Files of uploads, which an erasure removes as a whole.
FILES = "upload_pieces.body"
HOUR = 3_600_000_000
Hubs = tuple[ExchangingHub, ExchangingHub]


@dataclass
class Place:
    """A hub with a bank, in a folder."""

    folder: Path
    command: Run
    token: str = ""
    identity: str = ""

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'scamfeed.db'}"

    @contextmanager
    def store(self) -> Iterator[Store]:
        with closing(Store.open(self.url)) as store:
            yield store

    @contextmanager
    def application(self) -> Iterator[Any]:
        app = create_app(Settings(database_url=self.url, background=False, access_log="off"))
        try:
            yield app
        finally:
            close(app)

    def post(self, path: str, body: Any, media: str) -> dict[str, Any]:
        """Post JSON as the bank's program, and return the response."""
        content = orjson.dumps(body)
        with self.application() as app:
            application = app.wsgi_app
            assert isinstance(application, TaxiiApplication)
            environ = {
                "REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": "", "HTTP_HOST": "hub.example",
                "HTTP_AUTHORIZATION": f"Bearer {self.token}", "HTTP_ACCEPT": media, "CONTENT_TYPE": media,
                "SERVER_NAME": "hub.example", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(content)), "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(content), "wsgi.input_terminated": True, "wsgi.errors": io.StringIO(),
            }  # fmt: skip
            _, _, said = call_wsgi(application, environ)
        found: dict[str, Any] = orjson.loads(said)
        return found

    @contextmanager
    def browser(self) -> Iterator[FlaskClient]:
        """Log a user of the bank in."""
        with self.application() as app:
            store = app.extensions["scamfeed-store"]
            with store.begin() as tx:
                users.add(tx, "Somebody", PartnerRole.WRITER, "test", BANK)
                secret = sessions.begin(tx, users.get(tx, "Somebody").id, "full", lasts=HOUR)
            client = app.test_client()
            client.set_cookie("session", secret)
            yield client


def table(text: str) -> str:
    return f'value,kind,description\n{REFUSED},domain,"{text}"\n{ARRIVES},domain,a false shop\n'


def by_map(place: Place, text: str) -> str:
    (place.folder / "a.csv").write_text(table(text), encoding="utf-8")
    answer(place.command("map", "a.csv", "--output", "out.jsonl", "--rejects", "rejects.jsonl", "--json"))
    objects_ = (place.folder / "out.jsonl").read_text(encoding="utf-8")
    assert ARRIVES in objects_
    assert REFUSED not in objects_
    assert NEEDLE not in plain(objects_)
    return (place.folder / "rejects.jsonl").read_text(encoding="utf-8")


def by_contribute(place: Place, text: str) -> str:
    (place.folder / "a.csv").write_text(table(text), encoding="utf-8")
    answer(place.command("contribute", "a.csv", "--partner", BANK, "--rejects", "rejects.jsonl", "--json"))
    return (place.folder / "rejects.jsonl").read_text(encoding="utf-8")


def by_taxii(place: Place, text: str) -> str:
    def report(value: str, words: str) -> dict[str, Any]:
        given = {"reporter": BANK, "reported_at": text_ago(days=1), "kind": "domain", "tlp": "clear"}
        return {**to_stix(ReportReader(given).report({"value": value}))[1], "description": words}

    sent = {"objects": [report(REFUSED, text), report(ARRIVES, "a false shop")]}
    status = place.post("/feed/collections/inbox/objects/", sent, TAXII)
    assert (status["failure_count"], status["success_count"]) == (1, 1)
    return str(status["failures"][0]["message"])


def by_api(place: Place, text: str) -> str:
    sent = [{"value": REFUSED, "description": text}, {"value": ARRIVES, "description": "a false shop"}]
    [refused, arrived] = place.post("/api/reports", sent, "application/json")["rows"]
    assert (refused["result"], refused["reason"], arrived["result"]) == ("refused", "personal-data", "published")
    return str(refused["message"])


def on_page(page: str) -> str:
    """Return a page with the name of the field in place of its label."""
    return html.unescape(page).replace(f"“{FIELD_LABELS['description']}”", "description")


def by_hand(place: Place, text: str) -> str:
    with place.browser() as client:

        def send(value: str, words: str) -> Any:
            page = client.get("/partner/report").text
            [token, *_] = re.findall(r'name="token" value="([^"]+)"', page)
            given = {"token": html.unescape(token), "value": value, "description": words}
            return client.post("/partner/report/send", data=given)

        refused, arrived = send(REFUSED, text), send(ARRIVES, "a false shop")
    assert (refused.status_code, arrived.status_code) == (422, 200)
    return on_page(refused.text)


def by_file(place: Place, text: str) -> str:
    path = "/partner/report/file"
    with place.browser() as client, place.store() as store:

        def token() -> str:
            [found, *_] = re.findall(r'name="token" value="([^"]+)"', client.get(path).text)
            return html.unescape(found)

        sent = {"token": token(), "country": "TH", "file": (io.BytesIO(table(text).encode()), "a.csv")}
        id_ = client.post(path, data=sent).headers["Location"].rpartition("/")[2]
        settings = Settings(database_url=place.url)
        UploadReadingThread(store, settings).step()
        assert upload(store, id_).state == State.READY
        assert client.post(f"{path}/{id_}/send", data={"token": token()}).status_code == 303
        UploadSendingThread(Hub(store), settings).step()
        sent_one = upload(store, id_)
        assert sent_one.state == State.SENT
        with store.read() as tx:
            [block] = upload_rows.blocks(tx, sent_one)
        assert [row.state for row in block.rows] == ["refused", "published"]
        assert block.rows[0].message in on_page(client.get(f"{path}/{id_}").text)
        return block.rows[0].message


def upload(store: Store, id_: str) -> Upload:
    with store.read() as tx:
        return find(tx, id_)


@dataclass
class FilePeer(HttpPeer):
    """A server with one file."""

    content: bytes = b""
    media: str = "text/csv"

    def answer(self, asked: Asked) -> Said:
        return Said(200, self.content, {"Content-Type": self.media})


def pulled(place: Place, feed: dict[str, Any]) -> str:
    """Run a feed of the bank once, and return the reasons that the operator reads."""
    told: list[str] = []
    given = {"name": "tested", "contribute_as": BANK, "allow_private": True, "retries": 0, **feed}
    with place.store() as store:
        done = run_feed(store, build(given), reject=lambda reject: told.append(f"{reject.reason} {reject.message}"))
        assert (done.error, done.accepted, done.reasons) == (None, 1, {"personal-data": 1})
        with store.read() as tx:
            assert not feed_state.find_dead_letters(tx, "tested")
    return " ".join(told)


def by_http_pull(place: Place, text: str) -> str:
    peer = FilePeer(content=table(text).encode())
    with serving(peer):
        return pulled(place, {"connector": "http-pull", "url": f"{peer.url}list.csv"})


def by_opencti_pull(place: Place, text: str) -> str:
    peer = LiveStream()
    with listening(peer):
        for value, words in ((REFUSED, text), (ARRIVES, "a false shop")):
            peer.put("create", of_opencti(value, START, description=words, valid_until=text_ahead(days=90)))
        feed = {"connector": "opencti-pull", "url": peer.url, "token": {"file": str(place.folder / "opencti")}}
        (place.folder / "opencti").write_text("t0ken", encoding="utf-8")
        return pulled(place, {**feed, "stream": "4a7f", "stay": "50ms"})


DOORS: dict[str, Callable[[Place, str], str]] = {
    "map": by_map,
    "contribute": by_contribute,
    "TAXII": by_taxii,
    "POST /api/reports": by_api,
    "a report by hand": by_hand,
    "a sent file": by_file,
    "http-pull": by_http_pull,
    "opencti-pull": by_opencti_pull,
}


@pytest.fixture
def place(run_with_store: Run, tmp_path: Path) -> Place:
    add = ("partner", "add", BANK, "--kind", "bank", "--country", "TH", "--read", "takedown", "--vouched", "--json")
    added = answer(run_with_store(*add))
    return Place(tmp_path, run_with_store, added["token"], added["identity"])


@pytest.fixture
def hubs(initial_store: Path, tmp_path: Path) -> Iterator[Hubs]:
    """A hub that publishes, and one that reads there."""
    with ExitStack() as stack:

        def hub(name: str) -> ExchangingHub:
            url = f"sqlite:///{shutil.copy(initial_store, tmp_path / f'{name}.db')}"
            return stack.enter_context(ExchangingHub(name, url, tmp_path / name))

        yield hub("kh"), hub("th")


def plain(text: str) -> str:
    """Return the letters and digits of a text, as a person reads them."""
    return "".join(filter(str.isalnum, normalised(text))).lower()


def places_of(store: Store, needle: str) -> set[str]:
    """Return the columns of the whole store in which a text has a needle."""
    found = set()
    with store.read() as tx:
        for each in declared().sorted_tables:
            for column in each.columns:
                if not isinstance(column.type, Text | LargeBinary):
                    continue
                for (held,) in tx.execute(select(column).where(column.is_not(None))):
                    texts = bodies.of(tx).all_of(tx, bytes(held)) if column is objects.c.body else [held]
                    if any(needle in plain(_text(text)) for text in texts):
                        found.add(f"{each.name}.{column.name}")
    return found


def _text(held: Any) -> str:
    return held if isinstance(held, str) else bytes(held).decode(errors="replace")


def reached(name: str) -> bool:
    """Return whether an erasure cleans a column, or removes its rows."""
    table_, _, column = name.partition(".")
    rule = declared().tables[table_].columns[column].info.get(Erase)
    return name == FILES or rule in (Erase.CLEANED, Erase.ROW, Erase.STATUS)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("door", DOORS)
def test_document_is_refused_and_the_rest_arrives(place: Place, door: str, spelling: str) -> None:
    said = DOORS[door](place, SPELLINGS[spelling])
    assert f"description: it seems to contain {DOCUMENT}" in said
    with place.store() as store:
        found = places_of(store, NEEDLE)
        assert [name for name in found if not reached(name)] == []
        # Only a file that waits for corrections, or for its sender, is kept.
        assert found <= {"upload_rows.body", FILES}
        if door != "map":
            assert "objects.body" in places_of(store, plain(ARRIVES))
        assert "objects.body" not in places_of(store, plain(REFUSED))


def test_texts_of_misp_are_not_read(place: Place) -> None:
    folder, stamp, text = place.folder / "misp", str(int(ago(days=9).timestamp())), SPELLINGS["groups"]
    folder.mkdir()
    made = {"type": "domain", "to_ids": True, "comment": text, "timestamp": stamp}
    event = {
        "uuid": str(uuid5(NAMESPACE_DNS, "event")), "info": text, "timestamp": stamp, "publish_timestamp": stamp,
        "published": True, "Attribute": [
            {**made, "uuid": str(uuid5(NAMESPACE_DNS, value)), "value": value} for value in (REFUSED, ARRIVES)
        ],
    }  # fmt: skip
    (folder / "manifest.json").write_bytes(orjson.dumps({event["uuid"]: {"info": text, "timestamp": stamp}}))
    (folder / f"{event['uuid']}.json").write_bytes(orjson.dumps({"Event": event}))
    feed = {"name": "tested", "connector": "misp-pull", "path": str(folder), "contribute_as": BANK}
    with place.store() as store:
        assert run_feed(store, build(feed)).accepted == 2
        assert places_of(store, NEEDLE) == set()
        assert "objects.body" in places_of(store, plain(ARRIVES))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("field", ["reference", "remark"])
def test_hub_report_of_a_peer_is_held_without_its_text(hubs: Hubs, field: str, spelling: str) -> None:
    text = SPELLINGS[spelling]
    facts = {"reference": {"evidence": [{"sha256": "0a" * 32, field: text}]}, "remark": {"details": {field: text}}}
    source, reader = hubs
    source.knows(reader)
    reader.knows(source, source.serve_at)
    source.serve()
    source.publish(REFUSED, facts=facts[field])
    arrives = source.publish(ARRIVES)
    assert reader.pull().error is None
    with reader.store.read() as tx:
        [review] = reviews.all_reviews(tx)
    assert review.rule == "personal-data"
    assert f"{field}: it seems to contain {DOCUMENT}" in review.message
    assert places_of(reader.store, NEEDLE) == set()
    assert reader.relayed() == [arrives]
    # The origin's set is complete all the same.
    assert reader.state_of(source) == ("current", True)

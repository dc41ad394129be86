"""A hub over real sockets that publishes signed hub reports, and a proxy that counts and may alter responses."""

import http.server
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from sqlalchemy import delete, insert, update

from feeds.connectors import build
from feeds.runs.run import Run
from feeds.runs.runner import run
from mappers import extension, hub_report as mapper, ids, marking
from mappers.indicator import to_stix
from schemas import hub_report, timestamp
from schemas.hub_head import HubHead
from schemas.hub_report import OPEN, HubReport, ReporterEntry
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.tlog.notes import SignerKey
from schemas.vocabulary import Tlp
from server.features.federation import settling, states, stored
from server.features.federation.stored import COUNTS, EMPTY, StoredReport
from server.features.federation.tables import hub_heads, hub_publishing
from server.features.partners.grants import give_to_peer
from server.release.contribute import contribute
from server.release.hub import Hub
from server.settings import Settings
from server.setup import hub_of
from server.store import Store, collections, log, partners
from server.store.database.times import moment, now, stix_stamp
from server.store.item import Item
from server.store.objects.query import ALL, Query
from server.store.release_tables import hub_identity as identity_row
from tests.integration.peers import answering
from tests.ports import free_port
from tests.processes import Forked, serve_hub

NOTHING: Mapping[str, Any] = {}


class ExchangingHub:
    """A hub named ``name``. It publishes by itself, without reports of partners."""

    def __init__(self, name: str, database: str, file: Path) -> None:
        """``file`` is the beginning of the names of its files."""
        self.name, self.database, self.file = name, database, file
        self.key = SignerKey.make(f"{name}.example/log")
        self.secret = name.encode()
        self.identity = ids.identity(f"hub {name}")
        self.store = Store.open(database)
        self.port = free_port()
        self.tables: list[dict[str, Any]] = []
        self.feeds: list[dict[str, Any]] = []
        self._running = ExitStack()
        self.url = ""
        with self.store.begin() as tx:
            tx.execute(update(identity_row).values(identity=self.identity, name=name))
            collections.hub_reports(tx)
            row = {"id": 1, "number": 0, "signed": now(), "key": str(self.key.verifier), "handover": ""}
            tx.execute(insert(hub_publishing).values({n: row[n] for n in row if n in hub_publishing.c}))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()
        self.store.close()

    @property
    def origin(self) -> str:
        return self.key.name

    def knows(self, other: "ExchangingHub", url: str | None = None, **table: Any) -> None:
        """Know another hub as a peer; with a ``url``, read from there as a partner of that hub."""
        given = {"name": f"Hub {other.name}", "key": str(other.key.verifier), **table}
        if url is not None:
            token = self.file.with_name(f"{self.name}-at-{other.name}")
            token.write_text(other.admit(self), encoding="utf-8")
            given |= {"url": url, "token": {"file": str(token)}, "allow_private": True, "timeout": "5s", "retries": 0}
        self.tables.append(given)

    def admit(self, reader: "ExchangingHub") -> str:
        """Register the partner as which another hub reads here, and return its token."""
        name = f"Hub {reader.name}"
        with self.store.begin() as tx:
            peer = Partner(name=name, kind=PartnerKind.GOVERNMENT, identity=ids.identity(name), peer=True)
            token = partners.add(tx, peer).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            give_to_peer(tx, name)
        return token

    def login(self, other: "ExchangingHub") -> dict[str, str]:
        """Return the headers with which this hub reads at another one."""
        token = self.file.with_name(f"{self.name}-at-{other.name}").read_text(encoding="utf-8")
        return {"Authorization": f"Bearer {token}"}

    def join(self, name: str) -> str:
        """Register a bank, and return its token."""
        with self.store.begin() as tx:
            made = Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name), vouched=True)
            token = partners.add(tx, made).token
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
            return token

    def report(self, partner: str, value: str) -> None:
        """Contribute a report of a domain."""
        given = {"reporter": partner, "kind": "domain", "tlp": "green", "reported_at": timestamp.text(timestamp.now())}
        items = [Item.of(obj) for obj in to_stix(ReportReader(given).report({"value": value}))]
        with self.store.begin() as tx:
            contribute(self.hub, tx, partners.get(tx, partner), items)

    @property
    def serve_at(self) -> str:
        """Return the API root that it serves, or will serve."""
        return f"http://127.0.0.1:{self.port}/feed/"

    @property
    def settings(self) -> Settings:
        return Settings(**self._settings())

    def _settings(self, **more: Any) -> dict[str, Any]:
        return {
            "database_url": self.database,
            "ledger": False,
            "peer": self.tables,
            "feed": self.feeds,
            **more,
        }

    @property
    def hub(self) -> Hub:
        return hub_of(self.settings, self.store)

    def serve(self) -> None:
        """Serve with the peers known so far."""
        log_file = self.file.with_suffix(".log")
        process = Forked(serve_hub, self._settings(), self.port, 1, 4, log=log_file)
        self.url = self._running.enter_context(answering(process, self.port, log_file))

    def pull(self, number: int = 0) -> Run:
        """Run one round of a feed that the peers' tables make."""
        return run(self.hub, build(self.settings.feeds[number]))

    def publish(
        self,
        value: str,
        weight: int = 60,
        *,
        revoked: bool = False,
        facts: Mapping[str, Any] = NOTHING,
        **more: Any,
    ) -> bytes:
        """Sign and store a hub report of a domain, with more ``facts`` of it, and the head after it."""
        at = timestamp.now()
        with self.store.begin() as tx:
            number = now()
            nonce = hub_report.nonce(self.secret, value)
            entry = ReporterEntry(
                by=hub_report.plain_token(self.secret, "bank", value),
                weight=weight,
                at=at,
                until=at + timedelta(days=30),
                kind=PartnerKind.BANK,
            )
            given = {"version": 1, "stream": OPEN, "number": number, "nonce": nonce}
            report = HubReport(**{**given, "reports": () if revoked else (entry,), **more})
            id_ = hub_report.report_id(self.origin, nonce)
            context = {
                "extension_type": extension.TYPE,
                "kind": "domain",
                **({} if report.is_empty else {"scam_type": "phishing", "scam_category": "impersonation"}),
                **facts,
                "hub_report": mapper.property_of(report),
            }
            obj = {
                "type": "indicator",
                "spec_version": "2.1",
                "id": id_,
                "created_by_ref": self.identity,
                "created": stix_stamp(number),
                "modified": stix_stamp(number),
                "confidence": weight,
                "pattern": f"[domain-name:value = '{value}']",
                "pattern_type": "stix",
                "valid_from": stix_stamp(number),
                "valid_until": timestamp.text(at + timedelta(days=30)),
                "object_marking_refs": [marking.ref(Tlp.GREEN)],
                **({"revoked": True} if report.is_empty else {}),
                "extensions": {extension.ID: context},
            }
            body = hub_report.sign(obj, self.key)
            state = EMPTY if report.is_empty else COUNTS
            row = StoredReport(self.origin, report.stream, id_, number, "", body, "", number, state)
            before = stored.find(tx, self.origin, report.stream, [id_])
            stored.put(tx, [row], {known[:3]: known for known in before.values()})
            if report.stream == OPEN:
                log.append(tx, collections.hub_reports(tx), [Item.of_bytes(body)])
            else:
                name = next(table["name"] for table in self.tables)
                log.append(tx, collections.private_collection(tx, name, "hub-reports"), [Item.of_bytes(body)])
            tx.execute(update(hub_publishing).values(number=number))
            self._sign_head(tx, report.stream, number)
        return body

    def _sign_head(self, tx: Any, stream: str, number: int) -> None:
        found = stored.of_stream(tx, self.origin, stream)
        at = moment(now() // 1000 * 1000)
        head = HubHead(
            origin=self.identity,
            stream=stream,
            number=number,
            reports=found.reports,
            digest=found.digest,
            at=at,
            every=3600,
        )
        tx.execute(delete(hub_heads).where(hub_heads.c.origin == self.origin, hub_heads.c.stream == stream))
        row = {"origin": self.origin, "stream": stream, "number": number, "body": head.sign(self.key), "peer": ""}
        tx.execute(insert(hub_heads).values(**row, received=now(), completed=number))

    @property
    def number(self) -> int:
        """Return the newest number of its head."""
        with self.store.read() as tx:
            found = settling.head_of(tx, self.origin, OPEN)
        return found.number if found is not None else 0

    def state_of(self, other: "ExchangingHub") -> tuple[str, bool]:
        """Return the words of an origin's state, and whether its set is complete."""
        with self.store.read() as tx:
            [state] = [one for one in states.states(tx, self.hub) if one.origin == other.origin]
            found = settling.head_of(tx, other.origin, OPEN)
            return state.state, found is not None and settling.is_complete(tx, found)

    def reports_of(self, other: "ExchangingHub", stream: str = OPEN) -> list[bytes]:
        """Return the stored hub reports of an origin that are not empty."""
        with self.store.read() as tx:
            return [row.body for row in stored.every(tx, other.origin, stream) if row.state != EMPTY]

    def relayed(self) -> list[bytes]:
        """Return the objects of the collection of open hub reports."""
        with self.store.read() as tx:
            return list(log.page(tx, collections.hub_reports(tx), ALL).bodies)

    def lists(self, value: str) -> bool:
        """Return whether a shared collection lists a domain."""
        with self.store.read() as tx:
            bodies = log.page(tx, collections.get(tx, "takedown"), Query(revoked=False)).bodies
        return any(value.encode() in body for body in bodies)


class Proxy:
    """Forwards requests to a hub, counts the bytes of both directions, and may alter bodies of responses."""

    def __init__(self, target: str, alter: Callable[[str, bytes], bytes] | None = None) -> None:
        """Forward to the server ``target``; ``alter`` gets the path and the body, which is then not compressed."""
        self.bytes = 0
        self.requests: list[tuple[str, int]] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._forward(self, target, alter)

            def do_GET(self) -> None:
                proxy._forward(self, target, alter)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/feed/"

    def reset(self) -> None:
        self.bytes, self.requests = 0, []

    def _forward(
        self, handler: http.server.BaseHTTPRequestHandler, target: str, alter: Callable[[str, bytes], bytes] | None
    ) -> None:
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "host"}
        if alter is not None:
            headers = {**headers, "Accept-Encoding": "identity"}
        posted = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        url = f"{target.rstrip('/')}{handler.path}"
        with requests.request(handler.command, url, headers=headers, data=posted, stream=True, timeout=60) as answer:
            status, said, body = answer.status_code, answer.headers, answer.raw.read(decode_content=False)
        body = body if alter is None else alter(handler.path, body)
        kept = [
            (name, value) for name, value in said.items() if name.lower() not in ("transfer-encoding", "connection")
        ]
        kept = [(name, value) for name, value in kept if name.lower() != "content-length"]
        # Before the answer: whoever has read it may look at the counts.
        sent = len(f"{handler.requestline}\r\n{handler.headers}\r\n") + len(posted)
        received = sum(len(f"{name}: {value}\r\n") for name, value in said.items()) + len(body) + 17
        self.bytes += sent + received
        self.requests.append((handler.path.partition("?")[0], status))
        handler.send_response_only(status)
        for name, value in [*kept, *([] if status == 304 else [("Content-Length", str(len(body)))])]:
            handler.send_header(name, value)
        handler.end_headers()
        if body:
            handler.wfile.write(body)

"""Plays histories in the first version of the project on the import path, and writes what all parties read.

Usage: ``python player.py < HISTORIES > READ``. Each input line is a history, ``{"url": …, "partners": …, "values": …,
"steps": […]}``. Each output line has the responses and the data read, in order. The script imports nothing specific to
its own version of the project, so that another version can run it. Time does not pass within a step.
"""

import contextlib
import copy
import io
import json
import logging
import os
import re
import shlex
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from typer.testing import CliRunner

from mappers import ids, records as record_mapper
from mappers.indicator import to_stix
from schemas import tabular, timestamp
from schemas.errors import Rejected
from schemas.tabular import ReportReader
from server import app as app_module, settings as settings_module
from server.app import create_app
from server.cli import _config_first
from server.cli.program import app as command
from server.store import Store, collections, hub_identity, value_index
from server.web.taxii.application import call_wsgi

TAXII = "application/taxii+json;version=2.1"
BEGINNING = datetime(2026, 10, 1, 8, tzinfo=UTC)
_DATE_ADDED = re.compile(r'"date_added": ?"[^"]*"')
# Only rows dated by their arrival have them, including the versions of observables.
_MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z")
_LATER = re.compile(r"@now([+-]\d+)?")


class Clock:
    """The time of this process, which passes only on request."""

    def __init__(self) -> None:
        self.now = BEGINNING
        clock = self

        class Frozen(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return clock.now.astimezone(tz) if tz else clock.now.replace(tzinfo=None)

        timestamp.datetime = Frozen  # type: ignore[misc, attr-defined]
        # Rows arrive shortly after their versions, never in the same moment: times distinguish versions.
        time.time_ns = lambda: int(clock.now.timestamp() * 1_000_000) * 1_000 + 10_357_000


class World:
    """One hub, two applications on its store, and the pages that its partners have read."""

    def __init__(self, history: Mapping[str, Any], folder: Path, clock: Clock) -> None:
        self._history, self._folder, self._clock = history, folder, clock
        self._url = history["url"] or f"sqlite:///{folder / 'hub.db'}"
        self._config = folder / "scamfeed.toml"
        self._rules: list[dict[str, Any]] = []
        self._nodes: list[Any] = []
        self._tokens: dict[str, str] = {}
        self._ids: dict[str, set[str]] = {}
        self._cursors: dict[tuple[str, str], str] = {}
        self._begin()

    def _begin(self) -> None:
        self._configure([])
        with _numbered_ids():
            self._run("init", "--json")
            for name, options in self._history["partners"].items():
                made = self._run("partner", "add", name, *shlex.split(options), "--json")
                self._tokens[name] = made["token"]
        store = Store.open(self._url)
        with store.begin() as tx:
            # Random data is the same in every run.
            tx.execute(text("UPDATE hub_identity SET secret = :secret, identity = :identity"), _SAME)
        with store.read() as tx:
            self._secret = hub_identity.secret(tx, "ids")
        store.close()
        self._open()

    def _configure(self, rules: list[dict[str, Any]]) -> None:
        lines = [f"database_url = {json.dumps(self._url)}", 'access_log = "off"']
        for rule in rules:
            lines += ["[[rule]]", *(f"{name} = {json.dumps(value)}" for name, value in rule.items())]
        self._config.write_text("\n".join(lines) + "\n")

    def _open(self) -> None:
        self._shut()
        self._nodes = [create_app(settings_module.load(self._config)) for _ in range(2)]

    def _shut(self) -> None:
        _TRAILS.clear()
        for node in self._nodes:
            node.extensions["scamfeed-store"].close()

    def close(self) -> None:
        self._shut()

    def take(self, step: dict[str, Any]) -> Any:
        """Do one step; return the response."""
        told = self._take(step)
        _flush()
        return told

    def _take(self, step: dict[str, Any]) -> Any:
        self._clock.now += timedelta(seconds=step["after"])
        node = self._nodes[step["node"]]
        match step["do"]:
            case "post":
                return self._post(node, step)
            case "cli":
                return self._command(step["words"])
            case "review":
                return self._review(step)
            case "rules":
                self._configure(step["rules"])
                self._open()
                return self._run("policy", "apply", "--json") if step["apply"] else None
            case "restart":
                return self._open()
            case "poll":
                return self._poll(node, step["by"])
        raise ValueError(step["do"])

    def _post(self, node: Any, step: dict[str, Any]) -> Any:
        objects: list[Any] = []
        for drawn in step["objects"]:
            try:
                objects += self._made(drawn, step["by"])
            except Rejected as refused:
                objects.append({"refused by the mapper": refused.reason})
        wanted = [obj for obj in objects if "refused by the mapper" not in obj]
        told = [obj for obj in objects if "refused by the mapper" in obj]
        body = json.dumps({"objects": wanted}).encode()
        status, _, answer = self._ask(node, step["by"], "/feed/collections/inbox/objects/", body)
        return [*told, status, self._plain(answer)]

    def _made(self, drawn: dict[str, Any], by: str) -> list[dict[str, Any]]:
        now = timestamp.text(self._clock.now)
        match drawn["make"]:
            case "report":
                report = ReportReader({"reporter": by, "reported_at": now}).report(drawn["columns"])
                made = [dict(obj) for obj in to_stix(report, seq=drawn["seq"])]
                if drawn.get("revoked"):
                    made = [{**obj, "revoked": True} for obj in made]
                return [obj for obj in made if obj["type"] == "indicator"] if drawn["alone"] else made
            case "record":
                columns = self._filled(drawn["columns"], by)
                defaults = {"reporter": by, "reported_at": now}
                record = tabular.read_record(drawn["record"], columns, defaults)
                return [dict(obj) for obj in record_mapper.to_stix(record)]
        return [self._filled(drawn["object"], by)]

    def _filled(self, value: Any, by: str) -> Any:
        """Replace a word that begins with ``@``."""
        if isinstance(value, dict):
            return {name: self._filled(each, by) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each, by) for each in value]
        if not isinstance(value, str) or "@" not in value:
            return value
        if later := _LATER.fullmatch(value):
            return timestamp.text(self._clock.now + timedelta(seconds=int(later[1] or 0)))
        return " ".join(map(self._word, value.split(" ")))

    def _word(self, word: str) -> str:
        what, _, rest = word.partition(":")
        rest = rest.replace("_", " ")
        match what:
            case "@identity":
                return ids.identity(rest)
            case "@value":
                return str(self._history["values"][int(rest)]["value"])
            case "@listing":
                value, track, number = rest.split(":")
                report = self._report(int(value))
                subject = value_index.subject_of(report.kind, report.value)
                return ids.of_hub(self._secret, "indicator", "listing", subject, track, int(number))
            case "@report":
                value, _, name = rest.partition(":")
                made = to_stix(self._report(int(value), name))
                return str(next(obj["id"] for obj in made if obj["type"] == "indicator"))
        return word

    def _report(self, value: int, by: str = "Police") -> Any:
        return ReportReader({"reporter": by, "reported_at": "2026-10-01"}).report(self._history["values"][value])

    def _review(self, step: dict[str, Any]) -> Any:
        found = self._run("review", "list", "--json")
        if not found:
            return None
        chosen = found[step["which"] % len(found)]
        return self._command(["review", step["decision"], chosen["id"], "--by", "Operator", "--json"])

    def _command(self, words: list[str]) -> Any:
        found = self._run(*(self._filled(word, "") for word in words))
        if words[:2] == ["partner", "restore"] and isinstance(found, dict) and "token" in found:
            self._tokens[words[2]] = found["token"]
        return self._plain(json.dumps(found).encode())

    def _run(self, *words: str) -> Any:
        result = CliRunner().invoke(command, _config_first(["--config", str(self._config), *words]))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if result.exit_code:
            return {"failed": re.sub(r"\s+", " ", result.output)[:300]}
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(result.stdout)
        return re.sub(r"\s+", " ", result.stdout)

    def _poll(self, node: Any, by: str) -> Any:
        """Let a partner read the new objects in all its collections, from its last position."""
        told: dict[str, Any] = {}
        for alias in self._aliases():
            path = f"/feed/collections/{alias}/objects/?limit=4"
            since = self._cursors.get((by, alias), "")
            read: list[Any] = []
            for _ in range(100):
                status, said, answer = self._ask(node, by, f"{path}&added_after={since}" if since else path)
                if not status.startswith("200"):
                    read.append(status)
                    break
                page = json.loads(answer)
                read += page.get("objects", [])
                since = said.get("X-TAXII-Date-Added-Last", since)
                if not page.get("more"):
                    break
            self._cursors[by, alias] = since
            told[alias] = [self._plain(json.dumps(obj).encode()) for obj in read]
        return told

    def seen(self) -> dict[str, Any]:
        """Read everything that each partner and the operator can read."""
        found: dict[str, Any] = {}
        node = self._nodes[0]
        for name in self._history["partners"]:
            for path in ("/taxii2/", "/feed/", "/feed/collections/"):
                found[f"{name} {path}"] = self._answer(node, name, path)
            for alias in self._aliases():
                base = f"/feed/collections/{alias}/"
                status, _, _ = self._ask(node, name, base)
                found[f"{name} {base}"] = status
                if not status.startswith("200"):
                    continue
                for path in _ASKED:
                    found[f"{name} {base}{path}"] = self._answer(node, name, base + path)
                found[f"{name} {base}objects/?limit=2"] = list(self._pages(node, name, f"{base}objects/?limit=2"))
                found[f"{name} {base}manifest/?limit=3"] = list(self._pages(node, name, f"{base}manifest/?limit=3"))
                for id_ in sorted(self._known_ids(node, name, base))[:40]:
                    for path in (f"objects/{id_}/", f"objects/{id_}/versions/", f"objects/?match[id]={id_}"):
                        found[f"{name} {base}{path}"] = self._answer(node, name, base + path)
        _flush()
        return found | self._operator()

    def _operator(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        names = list(self._history["partners"])
        words = [
            ["review", "list", "--all", "--json"],
            ["receipts", "--all", "--json"],
            *(["outcomes", "--partner", name, "--json"] for name in names),
            *(["export", alias] for alias in ("takedown", "mule-accounts-full", "public")),
        ]
        for value in self._history["values"]:
            words.append(["lookup", value["value"], "--json"])
            words.append(["explain", value["value"], "--json"])
            words.append(["explain", value["value"], "--partner", names[0], "--json"])
        for each in words:
            found[" ".join(each)] = self._command(each)
        status = self._run("status", "--json")
        found["status"] = {key: part for key, part in status.items() if key in ("collections", "reviews", "receipts")}
        found["status"] = self._plain(json.dumps(found["status"]).encode())
        return found

    def _known_ids(self, node: Any, name: str, base: str) -> set[str]:
        _, _, answer = self._ask(node, name, f"{base}objects/?match[version]=all")
        return {obj["id"] for obj in json.loads(answer).get("objects", [])}

    def _pages(self, node: Any, name: str, path: str) -> Iterator[Any]:
        more = ""
        for _ in range(300):
            status, said, answer = self._ask(node, name, path + more)
            yield status, self._headers(said), self._plain(answer)
            token = json.loads(answer).get("next") if status.startswith("200") else None
            if token is None:
                return
            more = f"&next={token}"

    def _answer(self, node: Any, name: str, path: str) -> Any:
        status, said, answer = self._ask(node, name, path)
        return status, self._headers(said), self._plain(answer)

    @staticmethod
    def _headers(said: Mapping[str, str]) -> dict[str, bool]:
        return {name: True for name in said if name.lower().startswith("x-taxii-date-added")}

    def _aliases(self) -> list[str]:
        shared = [f"{alias}{end}" for alias in _SHARED for end in ("", "-full")]
        slugs = [name.lower().replace(" ", "-") for name in self._history["partners"]]
        return [*shared, *(f"{use}-{slug}" for use in ("for", "outcomes") for slug in slugs)]

    def _ask(self, node: Any, name: str, path: str, body: bytes | None = None) -> tuple[str, dict[str, str], bytes]:
        path, _, query = path.partition("?")
        posting = body is not None
        environ = {
            "REQUEST_METHOD": "POST" if posting else "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_AUTHORIZATION": f"Bearer {self._tokens[name]}",
            "HTTP_ACCEPT": TAXII,
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body or b""),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            **({"CONTENT_TYPE": TAXII, "CONTENT_LENGTH": str(len(body or b""))} if posting else {}),
        }
        status, headers, answer = call_wsgi(node.wsgi_app, environ)
        return status, dict(headers), bytes(answer)

    def _plain(self, body: bytes) -> str:
        """Return a body without random data and without the moments at which rows were added."""
        plain = body.decode(errors="replace")
        try:
            read = json.loads(plain)
        except json.JSONDecodeError:
            read = None
        if isinstance(read, dict):
            for name in ("next", "error_id", "request_timestamp", "token", "password", "last_added", "last_write"):
                read.pop(name, None)
            if "success_count" in read:
                read.pop("id", None)
            plain = json.dumps(read, ensure_ascii=False)
        plain = _MICROSECONDS.sub("", _DATE_ADDED.sub('"date_added": ""', plain))
        for private in self._private():
            plain = plain.replace(*private)
        return re.sub(r'"(last_added|last_write|opened|oldest_seconds)": ?("[^"]*"|[\d.]+|null)', r'"\1": ""', plain)

    def _private(self) -> list[tuple[str, str]]:
        store = self._nodes[0].extensions["scamfeed-store"] if self._nodes else None
        if store is None:
            return []
        with store.read() as tx:
            return [(each.id, each.alias) for each in collections.all_collections(tx)]


_SAME = {"secret": bytes(range(32)), "identity": "identity--7d2c9b0a-4e61-4c51-8f3e-5f6a8c1e2b1d"}
_ASKED = (
    "objects/",
    "objects/?match[version]=all",
    "objects/?match[version]=first",
    "manifest/",
    "manifest/?match[version]=all",
    "objects/?match[type]=indicator",
    "objects/?match[type]=relationship",
    "objects/?match[type]=note,opinion,sighting,domain-name",
    "objects/?match[spec_version]=2.0",
)
_TRAILS: list[Any] = []
_SHARED = ("takedown", "mule-accounts", "wallets", "sightings", "public")


class _Trail(app_module.AuditTrail):
    """An audit trail that writes on request."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        _TRAILS.append(self)


app_module.AuditTrail = _Trail  # type: ignore[misc]


def _flush() -> None:
    """Write at once what threads of the applications would write a moment later."""
    for trail in _TRAILS:
        trail.flush()


@contextlib.contextmanager
def _numbered_ids() -> Iterator[None]:
    """Replace random UUIDs by counted ones."""
    number, drawn = 0, uuid.uuid4

    def counted() -> uuid.UUID:
        nonlocal number
        number += 1
        return uuid.UUID(int=number, version=4)

    uuid.uuid4 = counted
    try:
        yield
    finally:
        uuid.uuid4 = drawn


def play(history: dict[str, Any], clock: Clock) -> list[Any]:
    """Play one history; return the responses and the data read, step by step."""
    clock.now = BEGINNING
    told: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="scamfeed-equality-") as folder:
        world = World(history, Path(folder), clock)
        try:
            steps = copy.deepcopy(history["steps"])
            for number, step in enumerate(steps, 1):
                told.append(["answer", number, world.take(step)])
                if number % history["look"] == 0 or number == len(steps):
                    told.append(["seen", number, world.seen()])
        finally:
            world.close()
    return told


def main() -> None:
    """Play the histories on standard input."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.disable()
    clock = Clock()
    for line in sys.stdin:
        try:
            told: Any = play(json.loads(line), clock)
        except Exception as error:  # noqa: BLE001 - an error of one version is a difference, too
            told = [["raised", 0, traceback.format_exc()[-1500:] or repr(error)]]
        out.write(json.dumps(told) + "\n")
        out.flush()
    # Threads of applications whose store is closed have nothing to finish.
    os._exit(0)


if __name__ == "__main__":
    main()

"""The application, put together from the settings, and the server that runs it."""

import atexit
import hmac
import logging
import secrets
import ssl
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from gunicorn.app.base import BaseApplication

from server import signing_keys, timestamping
from server.api.account_answers import PATH as ANSWERS_PATH, AnswerEndpoints
from server.api.endpoints import ApiEndpoints
from server.api.evidence import PATH as EVIDENCE_PATH, EvidenceEndpoints, EvidenceRules
from server.api.ledger.endpoints import PREFIX as LEDGER_PREFIX, LedgerEndpoints
from server.api.ledger.witness_endpoint import PATH as WITNESS_PATH, WitnessEndpoint
from server.api.ledger.witness_push import WitnessPush, WitnessThread
from server.api.limits import LookupSettings
from server.api.match.endpoints import PREFIX as MATCH_PREFIX, MatchEndpoints, MatchQuotas
from server.api.match.evaluation import Evaluation
from server.api.match.sets import SetMaker
from server.api.notices import PATH as NOTICE_PATH, NoticeEndpoints
from server.api.objections import PATH as OBJECTIONS_PATH, ObjectionEndpoints, ObjectionRules
from server.api.requests import PREFIX as REQUEST_PREFIX, RequestEndpoints
from server.api.trends import PREFIXES as TREND_PREFIXES, TrendEndpoints
from server.console import pages
from server.console.site import open_site
from server.evidence_place import evidence_place
from server.http.worker_load import shared_memory
from server.observe import probes
from server.observe.access_log import AccessLog
from server.observe.audit_trail import AuditTrail
from server.observe.heartbeat import HeartbeatThread
from server.observe.ledger import LedgerThread
from server.observe.metrics import METRICS_TYPE, Metrics, metrics_folder
from server.observe.quiet import QuietWatch
from server.observe.readiness import Readiness
from server.observe.request_clock import RequestClock
from server.observe.resumption import Resumption
from server.observe.retention import Days, Retention
from server.observe.sandbox import SandboxClock
from server.observe.trends import TrendThread
from server.release.hub import Hub
from server.release.key_files import read_key
from server.release.ledger.checkpoint_notes import CheckpointNotes
from server.release.ledger.process import SealingProcess
from server.release.ledger.sealer import LedgerRules, Sealer
from server.release.objections.contacts import Contacts
from server.settings import Settings
from server.setup import hub_of, ledger_of
from server.store import Store
from server.store.database.engine import DiskSpace
from server.taxii import mount
from server.taxii.limits import PartnerQuotas
from server.taxii.other_endpoints import EndpointsByPath, OtherEndpoints
from server.taxii.proxies import TrustedProxies, is_local

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 120
_GRACE_SECONDS = 30


def create_app(settings: Settings, login_key: bytes | None = None) -> Flask:
    """Return the application on the store that ``settings`` name; the store has been migrated before.

    Applications with the same ``login_key`` take the passwords that one of them has verified.
    """
    store = Store.open(settings.database_url)
    app = Flask("scamfeed", static_folder=None)
    reads = _reads_of(store, settings)
    # What runs beside requests, to be stopped in the opposite order.
    running = ExitStack()
    atexit.register(running.close)
    app.extensions |= {"scamfeed-store": store, "scamfeed-reads": reads, "scamfeed-running": running}
    metrics, trail, sandbox = Metrics(store), AuditTrail(store), SandboxClock(store)
    running.callback(trail.stop)
    hub = hub_of(settings, store)
    ledger = ledger_of(settings)
    for thread in (
        *(_ledger_threads(store, ledger, settings) if ledger else ()),
        _retention(store, settings),
        HeartbeatThread(store),
        QuietWatch(store, settings.quiet_hours),
        Resumption(hub),
        TrendThread(hub),
        RequestClock(hub),
        sandbox,
    ):
        thread.start()
        running.callback(thread.stop)
    quotas = PartnerQuotas(settings.rate_limit, settings.quota_objects_per_day, settings.max_objects)
    proxies = TrustedProxies(settings.trusted_proxies, settings.client_certificate_header)
    api = ApiEndpoints(store, lookup_settings_of(settings), quotas)
    objections = ObjectionEndpoints(hub, objection_rules_of(settings))
    mount(
        app,
        hub,
        title=settings.title,
        contact=settings.contact,
        public_url=settings.public_url,
        proxies=proxies,
        quotas=quotas,
        observers=(metrics, AccessLog(settings.access_log), trail, sandbox),
        login_key=login_key,
        reads=reads,
        public_collections=settings.public_collections,
        others=_others(hub, settings, api, objections, quotas, running),
    )
    readiness, bodies = Readiness(store), DiskSpace(tempfile.gettempdir())

    def ready() -> probes.Probe:
        return probes.ready(readiness, store, bodies)

    _add_probes(app, ready, reads, metrics, settings.metrics_token.get_secret_value())
    pages.register(app, open_site(hub, settings, lambda: ready()[0] == 200, api.check_public, proxies, objections))
    return app


def _ledger_threads(store: Store, ledger: LedgerRules, settings: Settings) -> tuple[LedgerThread, WitnessThread]:
    """Return what seals the ledger, and what asks witnesses to cosign it."""
    push = WitnessPush(store, allow_private=settings.witness_allow_private)
    process = SealingProcess(settings.database_url, ledger.key_file, ledger.host)
    notes = CheckpointNotes(store, settings.checkpoint_notes)
    return LedgerThread(Sealer(store, ledger, process), notes), WitnessThread(push)


def close(app: Flask) -> None:
    """Stop what an application does beside requests, and close its store: for whoever goes on without it."""
    app.extensions["scamfeed-running"].close()
    app.extensions["scamfeed-store"].close()


def lookup_settings_of(settings: Settings) -> LookupSettings:
    """Return the limits of look-ups by ``settings``."""
    return LookupSettings(
        settings.lookup_values,
        settings.lookup_miss_cost,
        settings.lookup_hit_seconds,
        settings.lookup_miss_seconds,
        settings.check_rate_limit,
    )


def objection_rules_of(settings: Settings) -> ObjectionRules:
    """Return the rules of objections by ``settings``."""
    key = settings.objection_key_file
    return ObjectionRules(settings.objection_days, settings.objection_limit, Contacts(key) if key else None)


def _others(
    hub: Hub,
    settings: Settings,
    api: ApiEndpoints,
    objections: ObjectionEndpoints,
    quotas: PartnerQuotas,
    running: ExitStack,
) -> OtherEndpoints:
    """Return the endpoints beside TAXII; private matching where there is a seed for its keys."""
    trends = TrendEndpoints(settings.check_rate_limit)
    endpoints: dict[str, OtherEndpoints] = dict.fromkeys(TREND_PREFIXES, trends)
    endpoints |= {ANSWERS_PATH: AnswerEndpoints(hub, quotas), REQUEST_PREFIX: RequestEndpoints(hub, quotas)}
    rules, authority = EvidenceRules.of(settings), timestamping.authority_of(settings)
    endpoints[EVIDENCE_PATH] = EvidenceEndpoints(hub, evidence_place(settings), rules, authority)
    endpoints[NOTICE_PATH] = NoticeEndpoints(hub, quotas, partial(signing_keys.load, settings))
    endpoints |= {OBJECTIONS_PATH: objections, "/api/": api}
    if (ledger := ledger_of(settings)) is not None:
        ledger_keys = partial(ledger.keys, hub.store)
        endpoints[LEDGER_PREFIX] = LedgerEndpoints(hub.store, ledger_keys)
        endpoints[WITNESS_PATH] = WitnessEndpoint(hub.store, ledger_keys)
    if settings.match_seed_file is not None:
        read_key(settings.match_seed_file)
        evaluation = Evaluation(settings.match_seed_file)
        maker = SetMaker(hub.store, evaluation)
        maker.start()
        # The process that evaluates outlives the thread that asks it.
        running.callback(evaluation.stop)
        running.callback(maker.stop)
        of_matches = MatchQuotas(settings.match_per_request, settings.match_per_day, settings.match_total_per_day)
        endpoints[MATCH_PREFIX] = MatchEndpoints(hub.store, evaluation, of_matches)
    return EndpointsByPath(endpoints)


def _reads_of(store: Store, settings: Settings) -> Store:
    """Return the store that partners read from: a replica where there is one, else the store itself."""
    if not settings.read_database_url:
        return store
    from server.store.database.replica import ReplicatedStore  # PostgreSQL's driver takes a while to load

    return ReplicatedStore(store, Store.open(settings.read_database_url))


def _add_probes(app: Flask, ready: Callable[[], probes.Probe], reads: Store, metrics: Metrics, token: str) -> None:
    """Serve health and metrics, for those who run the server."""

    @app.get("/health/live")
    def live() -> tuple[Response, int]:
        status, resource = probes.live()
        return jsonify(resource), status

    @app.get("/health")
    @app.get("/health/ready")
    def health() -> tuple[Response, int]:
        status, resource = ready()
        return jsonify(resource), status

    @app.get("/health/reads")
    def can_read() -> tuple[Response, int]:
        status, resource = probes.can_read(reads)
        return jsonify(resource), status

    @app.get("/metrics")
    def metrics_page() -> Response:
        if not probes.may_see_metrics(request.environ, token, is_local=is_local(request.environ)):
            abort(404)
        return Response(metrics.page(), content_type=METRICS_TYPE)


def _retention(store: Store, settings: Settings) -> Retention:
    days = Days(
        settings.audit_days,
        settings.status_days,
        settings.receipt_days,
        settings.delivery_days,
        settings.request_days,
        settings.evidence_days,
    )
    place = evidence_place(settings)
    return Retention(store, days, None if place is None else place.store)


class _Server(BaseApplication):
    """gunicorn inside this program; every worker makes its own application, and with it its own connections."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings = settings
        self._options = options
        # Made before the workers are forked, so that they share it.
        self._login_key = _login_key(settings)
        self.worker_loads = shared_memory()
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self._settings, self._login_key).wsgi_app


def _login_key(settings: Settings) -> bytes:
    """Return the key of verified passwords: that of the settings, which all nodes have, else one of this server's."""
    chosen = settings.login_key.get_secret_value()
    return hmac.digest(chosen.encode(), b"verified-logins", "sha256") if chosen else secrets.token_bytes(32)


def serve(
    settings: Settings,
    host: str,
    port: int,
    workers: int,
    threads: int = 32,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    client_ca: Path | None = None,
) -> None:
    """Serve until a signal stops the process; requests under way are finished. Does not return."""
    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "server.http.worker.HttpWorker",
        "control_socket_disable": True,
        "timeout": _TIMEOUT_SECONDS,
        "graceful_timeout": _GRACE_SECONDS,
        "proc_name": "scamfeed",
    }
    if tls_cert is not None:
        options |= {"certfile": str(tls_cert), "keyfile": str(tls_key) if tls_key else None}
    if client_ca is not None:
        options |= {"ca_certs": str(client_ca), "cert_reqs": ssl.CERT_OPTIONAL}
    log.info("serve host=%s port=%s workers=%s threads=%s tls=%s", host, port, workers, threads, tls_cert is not None)
    with metrics_folder():
        _Server(settings, options).run()

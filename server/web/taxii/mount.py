"""Mounting TAXII on a Flask application: Medallion's views behind it, and the TAXII application in front of it."""

import inspect
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson
from flask import Blueprint, Flask, request
from medallion.backends.base import Backend
from medallion.views import MEDIA_TYPE_TAXII_V21
from medallion.views.collections import collections_bp
from medallion.views.discovery import discovery_bp

from schemas.partner import Partner
from server.observe import RequestObserver
from server.release.hub import Hub
from server.store import Store, inbox
from server.store.collections import Collection
from server.store.credentials import PasswordVerifier
from server.web.api.table import ApiTable
from server.web.taxii import auth, openapi
from server.web.taxii.add_objects import DirectWrites
from server.web.taxii.application import PARTNER, ROUTE, TaxiiApplication
from server.web.taxii.auth import Authenticator, VerifiedLogins
from server.web.taxii.endpoints import ObjectEndpoints
from server.web.taxii.errors import TaxiiError
from server.web.taxii.filters import MAX_PAGE
from server.web.taxii.limits import API_ROOT, MAX_CONTENT_LENGTH, PartnerQuotas
from server.web.taxii.login_throttle import LoginThrottle
from server.web.taxii.page_cache import PageCache
from server.web.taxii.proxies import TrustedProxies
from server.web.taxii.response import STIX, TAXII


class StoreBackend(Backend):  # type: ignore[misc]  # Medallion comes without types
    """The resources of one store, for the partner of the current request."""

    def __init__(
        self,
        store: Store,
        title: str,
        contact: str,
        most_objects: int,
        partner: Callable[[], Partner],
        prefix: Callable[[], str],
    ) -> None:
        """Answer from ``store`` with the server title ``title``.

        ``most_objects`` is the maximum number of objects in an envelope. ``partner`` returns the partner of the current
        request. ``prefix`` returns the mount point of the application, a path or URL without a final slash.
        """
        self._store = store
        self._title = title
        self._contact = contact
        self._most_objects = most_objects
        self._partner = partner
        self._prefix = prefix

    def server_discovery(self) -> dict[str, Any]:
        """Return the discovery resource (TAXII 2.1 §4.1.1)."""
        root = f"{self._prefix()}/{API_ROOT}/"
        discovery = {"title": self._title, "description": "Indicators of online scams, shared between partners."}
        if self._contact:
            discovery["contact"] = self._contact
        return {**discovery, "default": root, "api_roots": [root]}

    def get_api_root_information(self, api_root: str) -> dict[str, Any]:
        """Return the API root resource of the one API root."""
        return {
            "title": self._title,
            "description": f"One request can have at most {self._most_objects:,} objects; more are rejected with 413.",
            "versions": [TAXII],
            "max_content_length": MAX_CONTENT_LENGTH,
        }

    def get_collections(self, api_root: str) -> dict[str, Any]:
        """Return the collections that the partner may see."""
        with self._store.read() as tx:
            listed = [_resource(*found) for found in auth.visible(tx, self._partner())]
        return {"collections": listed} if listed else {}

    def get_collection(self, api_root: str, collection_id: str) -> dict[str, Any] | None:
        """Return one collection by id or alias, or None if the partner may not see it."""
        try:
            with self._store.read() as tx:
                return _resource(*auth.find(tx, self._partner(), collection_id))
        except TaxiiError:
            return None

    def get_status(self, api_root: str, status_id: str) -> dict[str, Any] | None:
        """Return the status of one of the partner's own requests, or None."""
        with self._store.read() as tx:
            body = inbox.load_status(tx, api_root, status_id, self._partner().name)
        if body is None:
            return None
        status: dict[str, Any] = orjson.loads(body)
        return status


def _resource(collection: Collection, can_read: bool, can_write: bool) -> dict[str, Any]:
    resource: dict[str, Any] = {"id": collection.id, "title": collection.title}
    if collection.description:
        resource["description"] = collection.description
    return {
        **resource,
        "alias": collection.alias,
        "can_read": can_read,
        "can_write": can_write,
        "media_types": [STIX + "2.1"] if collection.filled_by_release else [STIX + "2.1", STIX + "2.0"],
    }


_ROOT_VARIABLE = "<string:api_root>"
_BLUEPRINT = "taxii"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def mount(
    app: Flask,
    hub: Hub,
    *,
    title: str,
    contact: str,
    writes: DirectWrites,
    public_url: str = "",
    proxies: TrustedProxies | None = None,
    quotas: PartnerQuotas | None = None,
    observers: Sequence[RequestObserver] = (),
    login_key: bytes | None = None,
    reads: Store | None = None,
    public_collections: Sequence[str] = (),
    api: ApiTable | None = None,
) -> TaxiiApplication:
    """Serve the discovery at ``/taxii2/`` and the one API root at ``/feed/`` of ``hub``, in front of ``app``.

    ``writes`` has the rules of collections that partners write directly. ``public_url`` is the public address of the
    server. Without it, the discovery uses the address in the request. Processes with the same ``login_key`` accept each
    other's verified passwords. Reads are answered from ``reads``, if that is another store with the same objects. Any
    cache may keep pages of ``public_collections``. ``api`` has the routes outside TAXII.
    """
    quotas = quotas or PartnerQuotas()
    # Accept a missing slash, instead of redirecting to an untrusted Host header.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    # Errors are answered in front of Flask, together with all other responses.
    app.config |= {"PROPAGATE_EXCEPTIONS": True, "TRAP_HTTP_EXCEPTIONS": True}
    # Read by Medallion's views.
    app.taxii_config = {"max_page_size": MAX_PAGE}  # type: ignore[attr-defined]
    prefix = partial(_prefix, public_url.rstrip("/"))
    app.medallion_backend = StoreBackend(  # type: ignore[attr-defined]
        reads or hub.store, title, contact, quotas.objects_per_envelope, partner=_authenticated, prefix=prefix
    )
    app.register_blueprint(_blueprint())
    app.before_request(_name_other_pages)
    openapi.register(app, (api or ApiTable()).describe)
    # Medallion has its own log stream besides the application's log.
    logging.getLogger("medallion").handlers.clear()

    authenticator = Authenticator(
        proxies or TrustedProxies(),
        quotas,
        LoginThrottle(hub.store),
        passwords=PasswordVerifier(login_key),
        note_login=VerifiedLogins(hub.store).note,
    )
    taxii = TaxiiApplication(
        hub.store,
        authenticator,
        ObjectEndpoints(hub, PageCache(public=public_collections), quotas, writes),
        app.wsgi_app,
        observers,
        reads,
        api,
    )
    app.wsgi_app = taxii  # type: ignore[method-assign]  # Flask's way to put one in front
    return taxii


def _blueprint() -> Blueprint:
    taxii = Blueprint(_BLUEPRINT, __name__)

    @taxii.before_request
    def accept() -> None:
        # Medallion understands only one spelling of one media type.
        request.environ["HTTP_ACCEPT"] = MEDIA_TYPE_TAXII_V21

    for path, endpoint, view in _medallion_rules():
        fixed = partial(view, api_root=API_ROOT) if _ROOT_VARIABLE in path else view
        taxii.add_url_rule(path.replace(_ROOT_VARIABLE, API_ROOT), endpoint.replace(".", "-"), fixed, methods=["GET"])
    return taxii


def _medallion_rules() -> list[tuple[str, str, Callable[..., Any]]]:
    """Return Medallion's URL map, its views without the login that all applications in the process share."""
    scratch = Flask("medallion", static_folder=None)
    for blueprint in (discovery_bp, collections_bp):
        scratch.register_blueprint(blueprint)
    return [
        (rule.rule, rule.endpoint, inspect.unwrap(scratch.view_functions[rule.endpoint]))
        for rule in scratch.url_map.iter_rules()
    ]


def _name_other_pages() -> None:
    """Mark pages outside TAXII, which are not requests of partners."""
    if request.endpoint is not None and request.blueprint != _BLUEPRINT:
        request.environ[ROUTE] = request.endpoint


def _prefix(public_url: str) -> str:
    """Return the server's address as TAXII 2.1 §4.1.1 allows: an HTTPS URL, for clients that do not join paths."""
    if public_url:
        return public_url
    whole = request.scheme == "https" and _HOST.fullmatch(request.host)
    return f"https://{request.host}{request.script_root}" if whole else request.script_root


def _authenticated() -> Partner:
    partner: Partner = request.environ[PARTNER]
    return partner

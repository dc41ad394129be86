"""Mounting TAXII on a Flask application: Medallion's views behind it, and the TAXII application in front of it."""

import inspect
import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Flask, request
from medallion.views import MEDIA_TYPE_TAXII_V21
from medallion.views.collections import collections_bp
from medallion.views.discovery import discovery_bp

from schemas.partner import Partner
from server.observe import RequestObserver
from server.release.hub import Hub
from server.store import Store
from server.store.credentials import PasswordVerifier
from server.taxii import openapi
from server.taxii.application import PARTNER, ROUTE, TaxiiApplication
from server.taxii.auth import Authenticator
from server.taxii.backend import StoreBackend
from server.taxii.endpoints import ObjectEndpoints
from server.taxii.filters import MAX_PAGE
from server.taxii.limits import API_ROOT, PartnerQuotas
from server.taxii.other_endpoints import NoEndpoints, OtherEndpoints
from server.taxii.page_cache import PageCache
from server.taxii.proxies import TrustedProxies
from server.taxii.verified_logins import VerifiedLogins

_ROOT_VARIABLE = "<string:api_root>"
_BLUEPRINT = "taxii"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def mount(
    app: Flask,
    hub: Hub,
    *,
    title: str,
    contact: str,
    public_url: str = "",
    proxies: TrustedProxies | None = None,
    quotas: PartnerQuotas | None = None,
    observers: Sequence[RequestObserver] = (),
    login_key: bytes | None = None,
    reads: Store | None = None,
    public_collections: Sequence[str] = (),
    others: OtherEndpoints | None = None,
) -> TaxiiApplication:
    """Serve the discovery at ``/taxii2/`` and the one API root at ``/feed/`` of ``hub``, in front of ``app``.

    ``public_url`` is where partners find the server; without it the discovery goes by what a request says. Processes
    with the same ``login_key`` take the passwords that one of them has verified. What only reads is answered from
    ``reads``, where that is another store of the same objects. Any cache may keep pages of ``public_collections``.
    ``others`` are the endpoints beside TAXII's.
    """
    quotas = quotas or PartnerQuotas()
    # A missing slash is no error, and no redirect to whatever the Host header says.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    # Errors are answered in front of Flask, where every other response is made.
    app.config |= {"PROPAGATE_EXCEPTIONS": True, "TRAP_HTTP_EXCEPTIONS": True}
    # Where Medallion's views look.
    app.taxii_config = {"max_page_size": MAX_PAGE}  # type: ignore[attr-defined]
    prefix = partial(_prefix, public_url.rstrip("/"))
    app.medallion_backend = StoreBackend(  # type: ignore[attr-defined]
        reads or hub.store, title, contact, quotas.objects_per_envelope, partner=_authenticated, prefix=prefix
    )
    app.register_blueprint(_blueprint())
    app.before_request(_name_other_pages)
    openapi.register(app, others.describe() if others else NoEndpoints().describe())
    # Medallion logs to a stream of its own, beside the application's log.
    logging.getLogger("medallion").handlers.clear()

    authenticator = Authenticator(
        proxies or TrustedProxies(),
        quotas,
        passwords=PasswordVerifier(login_key),
        note_login=VerifiedLogins(hub.store).note,
    )
    taxii = TaxiiApplication(
        hub.store,
        authenticator,
        ObjectEndpoints(hub, PageCache(public=public_collections), quotas),
        app.wsgi_app,
        observers,
        reads,
        others,
    )
    app.wsgi_app = taxii  # type: ignore[method-assign]  # Flask's way to put one in front
    return taxii


def _blueprint() -> Blueprint:
    taxii = Blueprint(_BLUEPRINT, __name__)

    @taxii.before_request
    def accept() -> None:
        # Medallion understands one spelling of one media type.
        request.environ["HTTP_ACCEPT"] = MEDIA_TYPE_TAXII_V21

    for path, endpoint, view in _medallion_rules():
        fixed = partial(view, api_root=API_ROOT) if _ROOT_VARIABLE in path else view
        taxii.add_url_rule(path.replace(_ROOT_VARIABLE, API_ROOT), endpoint.replace(".", "-"), fixed, methods=["GET"])
    return taxii


def _medallion_rules() -> list[tuple[str, str, Callable[..., Any]]]:
    """Return Medallion's URL map, its views without the login that they share with every application in the process."""
    scratch = Flask("medallion", static_folder=None)
    for blueprint in (discovery_bp, collections_bp):
        scratch.register_blueprint(blueprint)
    return [
        (rule.rule, rule.endpoint, inspect.unwrap(scratch.view_functions[rule.endpoint]))
        for rule in scratch.url_map.iter_rules()
    ]


def _name_other_pages() -> None:
    """Name the pages beside TAXII, which no partner asks for."""
    if request.endpoint is not None and request.blueprint != _BLUEPRINT:
        request.environ[ROUTE] = request.endpoint


def _prefix(public_url: str) -> str:
    """Return the address of the server as TAXII 2.1 §4.1.1 allows: a URL over HTTPS, for clients that join no paths."""
    if public_url:
        return public_url
    whole = request.scheme == "https" and _HOST.fullmatch(request.host)
    return f"https://{request.host}{request.script_root}" if whole else request.script_root


def _authenticated() -> Partner:
    partner: Partner = request.environ[PARTNER]
    return partner

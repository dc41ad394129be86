"""A partner's pages of incidents: of its own reports only."""

from server.features.incidents import desk
from server.features.incidents.operations import (
    ConfirmIncident,
    DecideIncident,
    DiscardIncident,
    PauseIncident,
    RejectIncident,
    ResumeIncident,
    SelectReports,
)
from server.operations.rights import PARTNERS
from server.web.shell.routes import BOTH, FORM, OWN, Route, Tab, may_run
from server.web.shell.words import mark

_BASE = "/partner/incidents"

ROUTES = (
    Route(_BASE, PARTNERS, desk.show_all, tab=Tab(OWN, 5, mark("Incidents"))),
    Route(f"{_BASE}/new", PARTNERS & may_run(SelectReports), desk.select, methods=BOTH),
    Route(f"{_BASE}/<id>", PARTNERS, desk.show),
    Route(f"{_BASE}/<id>/reports", PARTNERS, desk.show_reports),
    Route(f"{_BASE}/<id>/decide", PARTNERS & may_run(DecideIncident), desk.decide, methods=FORM, is_fresh=True),
    Route(f"{_BASE}/<id>/confirm", may_run(ConfirmIncident), desk.confirm, methods=FORM, is_fresh=True),
    Route(f"{_BASE}/<id>/reject", may_run(RejectIncident), desk.reject, methods=FORM),
    Route(f"{_BASE}/<id>/pause", PARTNERS & may_run(PauseIncident), desk.pause, methods=FORM),
    Route(f"{_BASE}/<id>/resume", PARTNERS & may_run(ResumeIncident), desk.resume, methods=FORM),
    Route(f"{_BASE}/<id>/discard", PARTNERS & may_run(DiscardIncident), desk.discard, methods=FORM),
)

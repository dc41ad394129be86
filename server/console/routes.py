"""The table of all pages: address, methods, who may use each, and the function that answers."""

from collections.abc import Callable
from typing import NamedTuple

from flask import Response

from server.console.access import (
    ADMINS,
    ANALYSTS,
    ANYBODY,
    APPROVERS,
    EVERY_USER,
    PARTNER_ADMINS,
    PARTNER_WRITERS,
    PARTNERS,
    VIEWERS,
)
from server.console.login import login_pages, openid_pages, own_pages
from server.console.operator import (
    all_requests_pages,
    allowlist_pages,
    collection_pages,
    connector_pages,
    evidence_pages,
    explain_page,
    figure_page,
    joining_pages,
    objection_pages,
    overview_page,
    partner_changes,
    policy_pages,
    proposal_pages,
    question_pages,
    receipt_page,
    registry_pages,
    retract_page,
    review_decisions,
    review_pages,
    trail_pages,
)
from server.console.partner import (
    account_pages,
    asked_pages,
    connection_pages,
    credential_pages,
    evidence_page,
    feed_pages,
    notice_page,
    quality_pages,
    receipt_pages,
    report_pages,
    request_pages,
    sandbox_pages,
)
from server.console.public import check_page, front_page, object_pages, trend_pages


class Route(NamedTuple):
    """A page: its name, its address, who may use it, and its view.

    ``is_fresh``: only who proved all factors a moment ago. ``changes`` is False for a form that anybody
    may send: it changes nothing in anybody's name, and needs no token of a session.
    """

    name: str
    path: str
    who: frozenset[str]
    view: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    changes: bool = True
    is_fresh: bool = False


# A page with a form, and where a form of another page goes.
BOTH, FORM = ("GET", "POST"), ("POST",)

ROUTES: tuple[Route, ...] = (
    Route("front", "/", ANYBODY, front_page.show),
    Route("trends", "/trends", ANYBODY, trend_pages.show),
    Route("check", "/check", ANYBODY, check_page.show, methods=BOTH, changes=False),
    Route("object", "/object", ANYBODY, object_pages.show, methods=BOTH, changes=False),
    Route("object-answer", "/object/answer", ANYBODY, object_pages.show_answer, methods=BOTH, changes=False),
    # Logging in
    Route("login", "/login", ANYBODY, login_pages.show_login, methods=BOTH),
    Route("code", "/login/code", ANYBODY, login_pages.show_code, methods=BOTH),
    Route("second-factor", "/login/second-factor", ANYBODY, login_pages.set_second_factor, methods=BOTH),
    Route("openid", "/login/oidc", ANYBODY, openid_pages.go_there),
    Route("openid-back", "/login/oidc/back", ANYBODY, openid_pages.come_back),
    Route("welcome", "/welcome/<secret>", ANYBODY, login_pages.welcome, methods=BOTH),
    Route("again", "/login/again", EVERY_USER, login_pages.prove_again, methods=BOTH),
    Route("logout", "/logout", EVERY_USER, login_pages.log_out, methods=FORM),
    # Operators
    Route("overview", "/console/", VIEWERS, overview_page.show),
    Route("partners", "/console/partners", VIEWERS, registry_pages.show_partners),
    Route("new-partner", "/console/partners/new", ADMINS, joining_pages.add, methods=BOTH, is_fresh=True),
    Route("registered", "/console/partners/<id>", VIEWERS, registry_pages.show_partner),
    *(
        Route(f"registered-{name}", f"/console/partners/<id>/{name}", ADMINS, view, methods=FORM, is_fresh=True)
        for name, view in (
            ("change", partner_changes.change),
            ("rights", partner_changes.set_rights),
            ("contacts", partner_changes.set_contacts),
            ("credentials", partner_changes.rotate),
            ("certificate", partner_changes.add_certificate),
            ("people", partner_changes.change_people),
            ("restore", partner_changes.restore),
        )
    ),
    Route("registered-lift", "/console/partners/<id>/lift", APPROVERS, partner_changes.lift_throttle, methods=FORM),
    Route(
        "registered-leave", "/console/partners/<id>/leave", ADMINS, partner_changes.leave, methods=BOTH, is_fresh=True
    ),
    Route("collections", "/console/collections", VIEWERS, collection_pages.show_collections),
    Route("new-collection", "/console/collections/new", ADMINS, collection_pages.add, methods=FORM, is_fresh=True),
    Route("collection", "/console/collections/<id>", VIEWERS, collection_pages.show_collection),
    Route("policy", "/console/policy", VIEWERS, policy_pages.show),
    Route("policy-trial", "/console/policy/trial", ANALYSTS, policy_pages.try_rules, methods=FORM),
    Route("policy-proposal", "/console/policy/propose", ANALYSTS, policy_pages.propose, methods=FORM, is_fresh=True),
    Route("policy-history", "/console/policy/history", VIEWERS, policy_pages.show_history),
    Route("policy-past", "/console/policy/history/<number>", VIEWERS, policy_pages.show_past),
    Route("allowlists", "/console/allowlists", VIEWERS, allowlist_pages.show),
    Route("allowlist-trial", "/console/allowlists/test", VIEWERS, allowlist_pages.try_one, methods=FORM),
    Route("allowlist-add", "/console/allowlists/add", ANALYSTS, allowlist_pages.add, methods=FORM),
    Route("allowlist-remove", "/console/allowlists/remove", APPROVERS, allowlist_pages.remove, methods=FORM),
    Route("connectors", "/console/feeds", VIEWERS, connector_pages.show_all),
    Route("connector", "/console/feeds/<name>", VIEWERS, connector_pages.show_one),
    Route("connector-order", "/console/feeds/<name>/order", ANALYSTS, connector_pages.order, methods=FORM),
    Route("all-receipts", "/console/receipts", VIEWERS, receipt_page.show),
    Route("explain", "/console/explain", ANALYSTS, explain_page.show, methods=BOTH),
    Route("figures", "/console/figures", VIEWERS, figure_page.show),
    Route("audit", "/console/audit", ANALYSTS, trail_pages.show),
    Route("audit-export", "/console/audit/export", ANALYSTS, trail_pages.export, methods=FORM),
    Route("notices", "/console/notice", ANALYSTS, evidence_pages.show_notice),
    Route("notices-file", "/console/notice/file", ANALYSTS, evidence_pages.send_notice, methods=FORM, is_fresh=True),
    Route("all-evidence", "/console/evidence", ANALYSTS, evidence_pages.show),
    *(
        Route(f"all-evidence-{name}", f"/console/evidence/{name}", APPROVERS, view, methods=FORM, is_fresh=True)
        for name, view in (
            ("hand-over", evidence_pages.hand_over),
            ("take-back", evidence_pages.take_back),
            ("bag", evidence_pages.send_bag),
        )
    ),
    Route("people", "/console/people", ADMINS, overview_page.show_people),
    Route("propose-admin", "/console/people/admin", ADMINS, proposal_pages.propose_admin, methods=FORM, is_fresh=True),
    Route("objections", "/console/objections", VIEWERS, objection_pages.show_all),
    Route("objection", "/console/objections/<id>", VIEWERS, objection_pages.show_one),
    Route("decide-objection", "/console/objections/<id>/decide", ANALYSTS, objection_pages.decide, methods=FORM),
    Route("all-requests", "/console/requests", VIEWERS, all_requests_pages.show_all),
    Route("any-request", "/console/requests/<id>", VIEWERS, all_requests_pages.show_one),
    Route("assign", "/console/requests/<id>/assign", ANALYSTS, all_requests_pages.assign, methods=FORM),
    Route("questions", "/console/questions", VIEWERS, question_pages.show_questions),
    Route("referrals", "/console/referrals", VIEWERS, question_pages.show_referrals),
    Route("referral-answer", "/console/referrals/<id>/answer", ANALYSTS, question_pages.answer_referral, methods=FORM),
    Route("reviews", "/console/reviews", VIEWERS, review_pages.show_queue),
    Route("review", "/console/review/<path:id>", VIEWERS, review_pages.show_review),
    Route("ask", "/console/review/<path:id>/ask", ANALYSTS, review_pages.ask, methods=FORM),
    Route("disputes", "/console/disputes", VIEWERS, review_pages.show_disputes),
    Route("preview", "/console/reviews/preview", ANALYSTS, review_decisions.preview, methods=FORM),
    Route("decide", "/console/reviews/decide", ANALYSTS, review_decisions.decide, methods=FORM),
    Route("proposals", "/console/proposals", VIEWERS, proposal_pages.show_all),
    Route("retract", "/console/retract", ANALYSTS, retract_page.show, methods=BOTH),
    Route("erase", "/console/erase", ANALYSTS, proposal_pages.erase, methods=BOTH, is_fresh=True),
    Route("proposal", "/console/proposals/<id>", VIEWERS, proposal_pages.show_one),
    Route("confirm", "/console/proposals/<id>/confirm", APPROVERS, proposal_pages.confirm, methods=FORM, is_fresh=True),
    Route("reject", "/console/proposals/<id>/reject", ANALYSTS, proposal_pages.reject, methods=FORM),
    Route("withdraw", "/console/proposals/<id>/withdraw", ANALYSTS, proposal_pages.withdraw, methods=FORM),
    # Partners
    Route("partner", "/partner/", PARTNERS, report_pages.show, methods=BOTH, changes=False),
    Route("reports-file", "/partner/reports.csv", PARTNERS, report_pages.send_file, methods=BOTH, changes=False),
    Route("accounts", "/partner/accounts", PARTNERS, account_pages.show),
    Route("check-answers", "/partner/accounts/check", PARTNER_WRITERS, account_pages.check, methods=FORM),
    Route("answer", "/partner/accounts/answer", PARTNER_WRITERS, account_pages.answer, methods=FORM),
    Route("requests", "/partner/requests", PARTNERS, request_pages.show_all),
    Route("new-request", "/partner/requests/new", PARTNER_WRITERS, request_pages.open_one, methods=BOTH),
    Route("request", "/partner/requests/<id>", PARTNERS, request_pages.show_one),
    Route("request-step", "/partner/requests/<id>/step", PARTNER_WRITERS, request_pages.take_step, methods=FORM),
    Route("asked", "/partner/questions/<id>", PARTNERS, asked_pages.show),
    Route("answer-asked", "/partner/questions/<id>/answer", PARTNER_WRITERS, asked_pages.answer, methods=FORM),
    Route("receipts", "/partner/receipts", PARTNERS, receipt_pages.show),
    Route("confirm-receipts", "/partner/receipts/confirm", PARTNER_WRITERS, receipt_pages.confirm, methods=FORM),
    Route("feeds", "/partner/feeds", PARTNERS, feed_pages.show),
    Route("notice", "/partner/notice", PARTNERS, notice_page.show),
    Route("notice-file", "/partner/notice/file", PARTNERS, notice_page.send, methods=FORM, is_fresh=True),
    Route("evidence", "/partner/evidence", PARTNERS, evidence_page.show),
    Route("evidence-file", "/partner/evidence/file", PARTNERS, evidence_page.send, methods=FORM, is_fresh=True),
    Route("quality", "/partner/quality", PARTNERS, quality_pages.show),
    Route("sandbox", "/partner/sandbox", PARTNERS, sandbox_pages.show),
    Route("start-sandbox", "/partner/sandbox/start", PARTNER_WRITERS, sandbox_pages.start, methods=FORM),
    Route("certificate", "/partner/certificate", PARTNERS, sandbox_pages.show_certificate),
    Route("connection", "/partner/connection", PARTNERS, connection_pages.show),
    Route("credentials", "/partner/credentials", PARTNER_ADMINS, credential_pages.rotate, methods=BOTH, is_fresh=True),
    Route(
        "add-certificate",
        "/partner/credentials/certificate",
        PARTNER_ADMINS,
        credential_pages.add_certificate,
        methods=FORM,
        is_fresh=True,
    ),
    Route(
        "remove-certificate",
        "/partner/credentials/remove-certificate",
        PARTNER_ADMINS,
        credential_pages.remove_certificate,
        methods=FORM,
        is_fresh=True,
    ),
    # A person's own
    Route("me", "/me", EVERY_USER, own_pages.show_me, methods=BOTH),
    Route("passkey", "/me/passkeys/new", EVERY_USER, own_pages.add_passkey, methods=BOTH, is_fresh=True),
    Route("passkey-remove", "/me/passkeys/remove", EVERY_USER, own_pages.remove_passkey, methods=FORM, is_fresh=True),
)

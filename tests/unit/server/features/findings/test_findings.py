"""Findings by a partner's program are charged once and audited one by one."""

from collections.abc import Callable

from schemas.vocabulary import QualificationCode
from server.features.findings.answering import GivenAnswer
from server.features.findings.operations import ReportFindings, run_in_parts
from server.operations.operation import Actor
from server.operations.run import Check, run
from server.release.hub import Hub
from server.store import partners
from server.store.audit import AuditEvent
from tests import operators_desk as desk
from tests.contract.operations import examples_of_findings

ADDRESS = "192.0.2.1"
EventsBy = Callable[[str], list[AuditEvent]]


def finding(of: str) -> GivenAnswer:
    return GivenAnswer(frozenset((of,)), QualificationCode.UNKNOWN)


def test_finding_of_a_program_is_audited_with_its_address(hub: Hub, events_by: EventsBy) -> None:
    operation = examples_of_findings.report_finding(hub)
    [result] = run(hub, operation, Actor.program(operation.partner, ADDRESS))
    [event] = events_by(ADDRESS)
    assert (event.method, event.route, event.status) == ("ANSWER", "account", 200)
    assert (event.partner, event.reference) == (operation.partner.name, result.answer)


def test_finding_on_an_unlisted_value_leaves_no_entry(hub: Hub, events_by: EventsBy) -> None:
    partner = examples_of_findings.report_finding(hub).partner
    operation = ReportFindings(partner=partner, findings=(finding("bank-account:TH:KASITHBK:9999999999"),))
    [result] = run(hub, operation, Actor.program(partner, ADDRESS))
    assert result.refused is not None
    assert result.refused.reason == "not-listed"
    assert not events_by(ADDRESS)


def test_findings_in_several_parts_are_charged_once(hub: Hub) -> None:
    with hub.store.read() as tx:
        partner = partners.get(tx, desk.REPORTER)
    charged: list[int] = []

    def check(objects: int) -> Check:
        return lambda tx: charged.append(objects)

    findings = tuple(finding(f"bank-account:TH:KASITHBK:{number}") for number in range(45))
    done = run_in_parts(hub, ReportFindings(partner=partner, findings=findings), Actor.system("Anong"), check)
    assert len(done) == 45
    assert charged == [45, 0, 0]

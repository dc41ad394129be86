"""The actions that take two persons, by their words: whoever adds one adds it here."""

from collections.abc import Mapping
from types import MappingProxyType

from server.release.by_two_persons import admins, contradictions, delistings, departures, held_reports
from server.release.erasure import action as erasure
from server.release.policies import change as policy_change
from server.release.two_persons import TwoPersonAction

_ALL: tuple[TwoPersonAction, ...] = (
    held_reports.APPROVE,
    held_reports.APPROVE_HARMLESS,
    held_reports.APPROVE_COERCED,
    contradictions.DECIDE,
    delistings.DELIST,
    delistings.CLEAR,
    delistings.RETRACT,
    departures.RETRACT_REPORTS,
    admins.MAKE_ADMIN,
    erasure.ACTION,
    policy_change.ACTION,
)

ACTIONS: Mapping[str, TwoPersonAction] = MappingProxyType({action.name: action for action in _ALL})

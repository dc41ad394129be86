"""The actions that take two persons, by their words: whoever adds one adds it here."""

from collections.abc import Mapping
from types import MappingProxyType

from server.release.by_two_persons import authority_reviews, contradictions
from server.release.erasure import action as erasure
from server.release.two_persons import TwoPersonAction

_ALL: tuple[TwoPersonAction, ...] = (authority_reviews.APPROVE, contradictions.DECIDE, erasure.ACTION)

ACTIONS: Mapping[str, TwoPersonAction] = MappingProxyType({action.name: action for action in _ALL})

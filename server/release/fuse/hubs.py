"""One fusion for reports of this hub's partners, of other hubs' partners, and second-hand reports.

The rules of docs/federation.md that depend on several statements apply here. All others apply before, to each one.
Without statements of other hubs and second-hand reports, the result is that of ``consensus.fuse``.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from schemas import kinds
from schemas.kind import Kind
from schemas.report import Consensus
from schemas.vocabulary import Action
from server.release.fuse import grade
from server.release.fuse.consensus import fuse, weight_of
from server.release.fuse.statements import OpinionStatement, ProviderFinding, SightingStatement, Statement

_STRENGTH = {action: place for place, action in enumerate(Action)}
# Kinds of values that a person holds, who is harmed by a wrong listing.
_HELD = frozenset({"bank-account", "payment-alias", "phone", "social-account"})


def has_holder(kind: str) -> bool:
    """Return whether a person holds the values of a kind: accounts, aliases, telephone numbers, social accounts."""
    return kind in _HELD


def most_of_stale(kind: str) -> Action:
    """Return the strongest grade to which a hub raises a value if nothing was heard of it for long."""
    return Action.STEP_UP if has_holder(kind) else Action.WARN


def fuse_all(
    statements: Sequence[Statement],
    sightings: Sequence[SightingStatement] = (),
    opinions: Sequence[OpinionStatement] = (),
    *,
    coerced: bool = False,
    sign: bool = False,
    answer: ProviderFinding | None = None,
    disputed: bool = False,
    unattributed: bool = False,
    at: datetime,
) -> Consensus:
    """Return the consensus on a value from statements of any hub. For parameters and errors see ``fuse``.

    - A statement with a limit raises the grade to that limit at most.
    - The reports of a single hub that counts as one organisation raise a value with a holder to ``hold`` at most.
    - Second-hand reports are no further reporters. The larger of the two confidences and the stronger grade apply.
    """
    fused = partial(
        fuse,
        sightings=sightings,
        opinions=opinions,
        coerced=coerced,
        sign=sign,
        answer=answer,
        disputed=disputed,
        unattributed=unattributed,
        at=at,
    )
    if not any(statement.hub or statement.second_hand for statement in statements):
        return fused(statements)
    statements = _without_doubles(statements)
    first_hand = [statement for statement in statements if not statement.second_hand]
    second_hand = [statement for statement in statements if statement.second_hand]
    if not second_hand:
        return _within_limits(fused, first_hand)
    heaviest = max(second_hand, key=lambda known: (weight_of(known), known.report.reported_at, known.key))
    elsewhere = _within_limits(fused, [heaviest])
    if not first_hand:
        return elsewhere
    here = _within_limits(fused, first_hand)
    return here._replace(
        confidence=max(here.confidence, elsewhere.confidence),
        grade=grade.strongest(here.grade, elsewhere.grade),
    )


def _without_doubles(statements: Sequence[Statement]) -> Sequence[Statement]:
    """Return the statements without an organisation's entries in hubs that count as one, if it counts elsewhere.

    An organisation known at several hubs counts by its own report, then at a hub whose reporters all count, then where
    its entry is heaviest. Otherwise the hubs would count it again.
    """
    elsewhere = {statement.partner.counts_as for statement in statements if not statement.as_one}
    heaviest: dict[str, Statement] = {}
    for statement in statements:
        if statement.linked:
            known = heaviest.get(statement.linked, statement)
            heaviest[statement.linked] = max(known, statement, key=lambda one: (weight_of(one), one.hub))
    return [
        statement
        for statement in statements
        if not statement.linked
        or (statement.linked not in elsewhere and heaviest[statement.linked].hub == statement.hub)
    ]


def _within_limits(fused: Callable[[Sequence[Statement]], Consensus], statements: Sequence[Statement]) -> Consensus:
    """Return the consensus with the strongest grade that the statements allow, each up to its own limit."""
    of_all = fused(statements)
    kind = kinds.get(of_all.kind)
    limits = {statement.most for statement in statements}
    if limits == {None}:
        return of_all._replace(grade=_of_one_hub(kind, statements, of_all.grade))
    grades = []
    for limit in limits:
        counted = [statement for statement in statements if _reaches(statement, limit)]
        found = of_all if len(counted) == len(statements) else fused(counted)
        grades.append(grade.at_most(kind, _of_one_hub(kind, counted, found.grade), limit))
    return of_all._replace(grade=min(grades, key=_STRENGTH.__getitem__))


def _reaches(statement: Statement, limit: Action | None) -> bool:
    """Return whether a statement may raise the value to the grade ``limit``, or to any for None."""
    return statement.most is None or (limit is not None and _STRENGTH[statement.most] <= _STRENGTH[limit])


def _of_one_hub(kind: Kind, statements: Sequence[Statement], found: Action) -> Action:
    """Return the grade ``found``, at most ``hold`` if a single hub that counts as one reports a value with a holder."""
    alone = all(statement.as_one for statement in statements) and len({statement.hub for statement in statements}) == 1
    return grade.at_most(kind, found, Action.HOLD) if alone and has_holder(kind.name) else found

"""Amounts that somebody asks to hold: they stand beside the consensus, and each ends by itself."""

from collections.abc import Sequence
from datetime import datetime

from schemas.report import Hold, Report
from schemas.vocabulary import Action
from server.release.fuse import grade
from server.release.fuse.statements import Said

_MOST = 20


def is_live(said: Said, at: datetime) -> bool:
    """Tell whether one with authority asks to hold an amount, or until a day that has not come ``at`` that time."""
    hold = said.report.hold
    return hold is not None and hold.until > at and grade.has_authority(said.partner, said.report)


def let_block(reporters: Sequence[Said], authority: Sequence[bool]) -> bool:
    """Tell whether one with authority lets the value be blocked: who asks to hold an amount asks for no more."""
    actions = (grade.asked([each.report]) for each, has in zip(reporters, authority, strict=True) if has)
    return any(action in (None, Action.BLOCK) for action in actions)


def found(said: Sequence[Said], alone: Report | None, at: datetime) -> list[Hold]:
    """Give what is asked to be held: by those with authority, whoever else reports the value, and by who is alone."""
    asked = {each.report.hold for each in said if each.report.hold and is_live(each, at)}
    asked |= {alone.hold} if alone and alone.hold else set()
    return sorted(asked, key=lambda hold: (hold.until, str(hold)), reverse=True)[:_MOST]

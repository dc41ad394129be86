"""The limit on the values that one organisation alone blocks in an hour: reports beyond it warn until a review."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from mappers import extension
from schemas import kinds, timestamp
from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import Action, HolderStatus
from server.release.fuse import certainty, confidence, grade
from server.release.fuse.consensus import end
from server.release.fuse.loader import Loader
from server.release.fuse.statements import MANY_BLOCKS, is_open_burst
from server.release.reasons import Reason
from server.release.submission import Submission
from server.store import quotas
from server.store.quotas import DailyVolume, HourBlocks
from server.store.reviews import HeldObject

Obj = Mapping[str, Any]

_HOUR = 3_600_000_000
# An organisation may block this many times as many values as in the largest hour of an earlier day.
_GROWTH = 2
# A larger contribution locks its organisation, so that its partners' contributions do not use the same remainder.
_LARGE = 10


def is_large(objects: int, limit: int) -> bool:
    """Return whether a contribution of so many objects may use a large part of the ``limit`` of its organisation."""
    return objects > limit // _LARGE if limit else False


class BlockBrake:
    """The values that a partner's organisation may still block alone in the current hour.

    An hour begins with the first value after the previous hour. A partner with authority for the kind has no limit. A
    value counts once: a later version, and a report by a colleague, of a value that the organisation blocks already,
    do not count again. Nor does a value that another organisation reports.
    """

    def __init__(
        self, loader: Loader, partner: Partner, limit: int, volumes: Mapping[str, Mapping[int, DailyVolume]]
    ) -> None:
        """Count the values of ``partner`` by ``limit``; 0 means no limit.

        ``volumes`` are those of all partners of its organisation, by partner and day.
        """
        self._loader = loader
        self._context = loader.context
        self._partner = partner
        self._limit = limit
        self._volumes = volumes
        self._blocks: dict[tuple[Any, ...], bool] = {}
        self._spent = 0
        self._now = timestamp.text(self._context.at)

    def take(self, submission: Submission, before: Obj | None, prior: Iterable[str]) -> HeldObject | None:
        """Count a new report and return None; or count nothing, and return why it warns until a review.

        ``before`` is the version that it replaces, ``prior`` are the keys of the reports that name its value.
        """
        report = submission.report
        if not self._limit or not isinstance(report, Report) or not self._blocks_alone(report, self._partner):
            return None
        if submission.key in self._loader.states or not self._is_new(submission, before, prior):
            return None
        if self._before + self._spent < self._most:
            self._spent += 1
            return None
        message = Reason.MANY_BLOCKS.text(most=self._most)
        return HeldObject(submission.key, submission.item.version, MANY_BLOCKS, message)

    @property
    def counted(self) -> HourBlocks:
        """The current hour of the partner with the values counted here; empty if there are none."""
        if not self._spent:
            return quotas.NO_BLOCKS
        now, known = self._context.micros, self._current(self._volumes.get(self._partner.name, {}))
        if known is None:
            return HourBlocks(now, self._spent)
        return HourBlocks(known.hour_began, known.hour_blocks + self._spent)

    def _is_new(self, submission: Submission, before: Obj | None, prior: Iterable[str]) -> bool:
        """Return whether neither its organisation blocks the value already nor another one reports it."""
        keys = set(prior)
        if not keys:
            return True
        if before is not None and self._says_the_same(before, submission):
            return False
        self._loader.read(keys)
        return not any(self._is_known(key, submission.subject or "") for key in keys & self._loader.known.keys())

    def _says_the_same(self, before: Obj, submission: Submission) -> bool:
        """Return whether a new version is as strong as the valid one ``before``, from which it differs otherwise."""
        obj, context, earlier = submission.obj, extension.context_of(submission.obj), extension.context_of(before)
        return (
            before.get("revoked") is not True
            and before.get("valid_until", "") > self._now
            and all(before.get(name) == obj.get(name) for name in ("pattern", "confidence"))
            and all(earlier.get(name) == context.get(name) for name in ("action", "hold", "holder_status", "evidence"))
        )

    def _is_known(self, key: str, subject: str) -> bool:
        report = self._loader.report(key, subject)
        if report is None or end(report, (), self._context.at) <= self._context.at:
            return False
        by = self._context.contributor(key)
        if by.counts_as == self._partner.counts_as:
            return not is_open_burst(self._loader.states.get(key)) and self._blocks_alone(report, by)
        return self._weight(report, by) >= grade.CORROBORATES and not self._context.is_newcomer(by)

    def _blocks_alone(self, report: Report, by: Partner) -> bool:
        """Return whether a report without authority, by a partner with a record, blocks its value alone."""
        status = report.holder_status is HolderStatus.COERCED
        shape = (by.name, report.kind, report.confidence, report.action, report.hold is None, status)
        found = self._blocks.get(shape)
        if found is None:
            kind = kinds.get(report.kind)
            found = self._blocks[shape] = (
                kind.single_report_grade is Action.BLOCK
                and Action.BLOCK in kind.grades
                and report.kind not in by.authority
                and grade.strongest_asked([report]) in (None, Action.BLOCK)
                and not status
                and confidence.combined([self._weight(report, by)]) >= grade.FROM[Action.BLOCK]
            )
        return found and not certainty.is_of_institution(report) and not grade.has_authority(by, report)

    def _weight(self, report: Report, by: Partner) -> float:
        return confidence.weight(report.confidence, self._context.reliability(by, report.kind))

    @cached_property
    def _before(self) -> int:
        """The values that the organisation blocked in the current hours of its partners."""
        current = (self._current(days) for days in self._volumes.values())
        return sum(volume.hour_blocks for volume in current if volume is not None)

    @cached_property
    def _most(self) -> int:
        """The limit, or more if the organisation blocked many values in an hour of an earlier day."""
        today = quotas.day_of(self._context.micros)
        by_day: dict[int, int] = {}
        for days in self._volumes.values():
            for day, volume in days.items():
                by_day[day] = by_day.get(day, 0) + volume.most_blocks
        return max([self._limit, *(_GROWTH * most for day, most in by_day.items() if day < today)])

    def _current(self, days: Mapping[int, DailyVolume]) -> DailyVolume | None:
        """Return the volume with a partner's current hour, None if its last hour is over."""
        # An hour that goes on after midnight is in the volumes of both days.
        last = max(days.values(), key=lambda volume: (volume.hour_began, volume.hour_blocks), default=None)
        if last is None or not 0 <= self._context.micros - last.hour_began < _HOUR:
            return None
        return last

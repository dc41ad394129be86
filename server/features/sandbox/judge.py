"""The rules that a client has to pass in the sandbox: one table, each rule with its check and its advice."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from schemas.vocabulary import OUTCOMES, Action, OutcomeWord
from server.features.sandbox import script
from server.features.sandbox.script import ANSWER_WITHIN, READ_WITHIN, ListingChange
from server.store.database.engine import Tx
from server.store.sandbox import runs
from server.store.sandbox.runs import UNKNOWN, ListingAnswer, PlayedChange, ReadStretch, Rehearsal

State = Literal["passed", "open", "failed"]

_MINUTE = 60 * 1_000_000
# Actions of a client that stop a payment, a call or a page; a warning does not count.
_ACTS = frozenset(word for word, meaning in OUTCOMES.items() if meaning.confirms)
_NO_GRADES_TO_ACT_ON = frozenset({Action.STEP_UP, Action.WARN, Action.MONITOR, Action.INVESTIGATE})


class RuleResult(NamedTuple):
    """The result of one rule for a client; ``objects`` are the ids of the missing or wrong listings."""

    name: str
    state: State
    objects: tuple[str, ...] = ()


class RehearsalRecord:
    """One rehearsal: the published, read and answered listings up to a moment."""

    def __init__(
        self,
        run: Rehearsal,
        changes: Sequence[PlayedChange],
        reads: Sequence[ReadStretch],
        answers: Sequence[ListingAnswer],
        at: int,
    ) -> None:
        """Judge these as of ``at`` (microseconds)."""
        self.run = run
        self.changes = changes
        self.reads = reads
        self.answers = answers
        self.at = at

    @cached_property
    def is_played(self) -> bool:
        """Return whether the whole script was published and read."""
        return len(self.changes) == len(script.CHANGES) and self.read_up_to >= max(
            change.added for change in self.changes
        )

    @cached_property
    def read_up_to(self) -> int:
        """The place up to which the client has read without a gap."""
        return _furthest(self.reads, self.run.base)

    def read_at(self, added: int) -> int | None:
        """Return when the client first read the object added at a place, None if it has not."""
        return min((read.at for read in self.reads if read.after < added <= read.up_to), default=None)

    def deadline(self, change: PlayedChange, minutes: int) -> int:
        """Return the moment ``minutes`` after a change became readable; before the first read, never."""
        return self.at + 1 if self.run.began is None else max(change.at, self.run.began) + minutes * _MINUTE

    def of(self, change: ListingChange, *names: str) -> list[PlayedChange]:
        """Return the published changes of one sort, limited to the listings with these names if any are given."""
        return [played for played in self.changes if played.change == change and (not names or played.listing in names)]

    def answered(self, change: PlayedChange, words: Iterable[str], *, since: int = 0) -> list[ListingAnswer]:
        """Return the answers to a listing in one of these words."""
        return [
            answer
            for answer in self.answers
            if answer.object_id == change.object_id and answer.outcome in words and answer.at >= since
        ]

    def demanded(
        self, name: str, wanted: Iterable[PlayedChange], is_done: Callable[[PlayedChange], bool]
    ) -> RuleResult:
        """Return the result of a rule that requires a timely reaction to each of these changes."""
        missing = [change for change in wanted if not is_done(change)]
        late = [change.object_id for change in missing if self.at > self.deadline(change, ANSWER_WITHIN)]
        if late:
            return RuleResult(name, "failed", tuple(late))
        if missing or not self.is_played:
            return RuleResult(name, "open", tuple(change.object_id for change in missing))
        return RuleResult(name, "passed")

    def forbidden(self, name: str, wrong: Iterable[str]) -> RuleResult:
        """Return the result of a rule that forbids an action on these ids."""
        if objects := tuple(dict.fromkeys(wrong)):
            return RuleResult(name, "failed", objects)
        return RuleResult(name, "passed" if self.is_played else "open")


class Rule(NamedTuple):
    """A rule of the sandbox: its name, what a client should do, the advice if it fails, and its check."""

    name: str
    text: str
    way_out: str
    check: Callable[[RehearsalRecord], RuleResult]


def results(tx: Tx, run: Rehearsal, at: int) -> list[RuleResult]:
    """Return the results of a rehearsal's client for all rules at ``at`` (microseconds)."""
    of = run.partner
    record = RehearsalRecord(run, runs.changes_of(tx, of), runs.reads_of(tx, of), runs.answers_of(tx, of), at)
    return judged(record)


def judged(record: RehearsalRecord) -> list[RuleResult]:
    """Return the result of each rule, in the order of the table."""
    return [rule.check(record) for rule in RULES]


def _pages(record: RehearsalRecord) -> RuleResult:
    late = [
        change.object_id
        for change in record.changes
        if change.added > record.read_up_to and record.run.began is not None
        if record.at > record.deadline(change, READ_WITHIN)
    ]
    if late:
        return RuleResult("pages", "failed", tuple(dict.fromkeys(late)))
    return RuleResult("pages", "passed" if record.is_played else "open")


def _acts(record: RehearsalRecord) -> RuleResult:
    wanted = [
        change for change in record.of(ListingChange.LISTED) if script.BY_NAME[change.listing].grade is Action.BLOCK
    ]
    return record.demanded("acts", wanted, lambda change: bool(record.answered(change, _ACTS)))


def _holds(record: RehearsalRecord) -> RuleResult:
    wanted = [
        change for change in record.of(ListingChange.LISTED) if script.BY_NAME[change.listing].grade is Action.HOLD
    ]
    return record.demanded("holds", wanted, lambda change: bool(record.answered(change, {OutcomeWord.HELD})))


def _spares(record: RehearsalRecord) -> RuleResult:
    weak = [
        change
        for change in record.of(ListingChange.LISTED)
        if (listing := script.BY_NAME[change.listing]).grade in _NO_GRADES_TO_ACT_ON and not listing.disputed
    ]
    return record.forbidden("spares", [change.object_id for change in weak if record.answered(change, _ACTS)])


def _disputes(record: RehearsalRecord) -> RuleResult:
    known = [change for change in record.of(ListingChange.LISTED) if script.BY_NAME[change.listing].disputed]
    wrong = [change.object_id for change in known if record.answered(change, _ACTS)]
    if wrong:
        return RuleResult("disputes", "failed", tuple(wrong))
    return _restored(record, "disputes", record.of(ListingChange.DISPUTED))


def _revocations(record: RehearsalRecord) -> RuleResult:
    unread = [
        change.object_id
        for change in record.of(ListingChange.REVOKED)
        if (read := record.read_at(change.added)) is None or read > record.deadline(change, READ_WITHIN)
        if record.at > record.deadline(change, READ_WITHIN)
    ]
    if unread:
        return RuleResult("revocations", "failed", tuple(unread))
    return _restored(record, "revocations", record.of(ListingChange.REVOKED))


def _ends(record: RehearsalRecord) -> RuleResult:
    short = [change for change in record.of(ListingChange.LISTED) if script.BY_NAME[change.listing].lasts is not None]

    def is_dropped(change: PlayedChange) -> bool:
        # A client that never acted has nothing to end.
        acted = record.answered(change, _ACTS)
        if all(answer.until is not None and answer.until <= change.until for answer in acted):
            return True
        given_back = record.answered(change, {OutcomeWord.RESTORED}, since=change.until)
        return any(answer.at <= change.until + ANSWER_WITHIN * _MINUTE for answer in given_back)

    missing = [change for change in short if not is_dropped(change)]
    late = [change.object_id for change in missing if record.at > change.until + ANSWER_WITHIN * _MINUTE]
    if late:
        return RuleResult("ends", "failed", tuple(late))
    if missing or not record.is_played:
        return RuleResult("ends", "open", tuple(change.object_id for change in missing))
    return RuleResult("ends", "passed")


def _relistings(record: RehearsalRecord) -> RuleResult:
    relisted = record.of(ListingChange.RELISTED)
    return record.demanded("relistings", relisted, lambda change: bool(record.answered(change, _ACTS)))


def _knows(record: RehearsalRecord) -> RuleResult:
    placed: dict[str, int] = {}
    for change in record.changes:
        placed.setdefault(change.object_id, change.added)
    wrong = [
        answer.object_id
        for answer in record.answers
        if answer.object_id == UNKNOWN
        or (read := record.read_at(placed.get(answer.object_id, 0))) is None
        or read > answer.at
    ]
    return record.forbidden("knows", wrong)


def _restored(record: RehearsalRecord, name: str, changes: Iterable[PlayedChange]) -> RuleResult:
    """Return the result of a rule that requires a client to undo its actions on these listings in time."""

    def is_given_back(change: PlayedChange) -> bool:
        if not record.answered(change, _ACTS):
            return True
        answers = record.answered(change, {OutcomeWord.RESTORED}, since=change.added)
        return any(answer.at <= record.deadline(change, ANSWER_WITHIN) for answer in answers)

    return record.demanded(name, changes, is_given_back)


def _furthest(reads: Iterable[ReadStretch], base: int) -> int:
    """Return the place up to which the ranges follow each other without a gap."""
    reached = base
    for read in sorted(reads, key=lambda read: (read.after, read.up_to)):
        if read.after > reached:
            break
        reached = max(reached, read.up_to)
    return reached


RULES = (
    Rule(
        "pages",
        "reads every page in order, without gaps",
        "follow next while a page says more, and continue from X-TAXII-Date-Added-Last, never from your own clock",
        _pages,
    ),
    Rule(
        "acts",
        "acts on each listing of grade block within fifteen minutes, and reports it",
        "send the outcome blocked, declined, taken-down or number-disconnected for each listing of grade block",
        _acts,
    ),
    Rule(
        "holds",
        "holds the money if the grade is hold",
        "send the outcome held for listings of grade hold, at most fifteen minutes after they are published",
        _holds,
    ),
    Rule(
        "spares",
        "does not block values with the grade step-up, warn, monitor or investigate",
        "read the grade in the extension, not the type of the object: a weak listing may warn, and must not block",
        _spares,
    ),
    Rule(
        "disputes",
        "takes no action on disputed listings, and reverses its action when a listing becomes disputed",
        "read the property disputed; send restored if a listing that you acted on becomes disputed",
        _disputes,
    ),
    Rule(
        "revocations",
        "reads each revocation within ten minutes, and reverses its action within fifteen",
        "poll every five minutes; send restored for the id of the revoked listing",
        _revocations,
    ),
    Rule(
        "ends",
        "ends its action on expired listings by itself",
        "read valid_until: end the block at that time (effective_until), or send restored after it",
        _ends,
    ),
    Rule(
        "relistings",
        "acts again on values that are listed again under a new id",
        "match by value, and treat a new id as a new listing",
        _relistings,
    ),
    Rule(
        "knows",
        "reports outcomes only on listings that it has read here",
        "refer to ids that the collection of the sandbox served, after you have read them",
        _knows,
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}

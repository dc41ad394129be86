"""The rules by which a client passes the sandbox: one table, each rule with its check and the way out."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from schemas.outcomes import MEANINGS
from schemas.vocabulary import Action, OutcomeWord
from server.release.sandbox import script
from server.release.sandbox.script import ANSWER_WITHIN, READ_WITHIN, ListingChange
from server.store.database.engine import Tx
from server.store.sandbox import runs
from server.store.sandbox.runs import UNKNOWN, ListingAnswer, PlayedChange, ReadStretch, Rehearsal

State = Literal["passed", "open", "failed"]

_MINUTE = 60 * 1_000_000
# What a client does that stops a payment, a call or a page; a warning is not among it.
_ACTS = frozenset(word for word, meaning in MEANINGS.items() if meaning.confirms)
_NO_GRADES_TO_ACT_ON = frozenset({Action.STEP_UP, Action.WARN, Action.MONITOR, Action.INVESTIGATE})


class RuleResult(NamedTuple):
    """The state of one rule for a client; ``objects`` are the ids of the listings that are missing, or were wrong."""

    name: str
    state: State
    objects: tuple[str, ...] = ()


class RehearsalRecord:
    """One rehearsal: what was published, read and answered up to a moment."""

    def __init__(
        self,
        run: Rehearsal,
        changes: Sequence[PlayedChange],
        reads: Sequence[ReadStretch],
        answers: Sequence[ListingAnswer],
        at: int,
    ) -> None:
        """Judge these as they are at ``at`` (microseconds)."""
        self.run = run
        self.changes = changes
        self.reads = reads
        self.answers = answers
        self.at = at

    @cached_property
    def is_played(self) -> bool:
        """Return whether the whole script was published, and read."""
        return len(self.changes) == len(script.CHANGES) and self.read_up_to >= max(
            change.added for change in self.changes
        )

    @cached_property
    def read_up_to(self) -> int:
        """The place up to which the client has read without a gap."""
        return _furthest(self.reads, self.run.base)

    def read_at(self, added: int) -> int | None:
        """Return when the client first read what was added at a place, None where it has not."""
        return min((read.at for read in self.reads if read.after < added <= read.up_to), default=None)

    def deadline(self, change: PlayedChange, minutes: int) -> int:
        """Return the moment so many minutes after a change was there to be read; before the first read, never."""
        return self.at + 1 if self.run.began is None else max(change.at, self.run.began) + minutes * _MINUTE

    def of(self, change: ListingChange, *names: str) -> list[PlayedChange]:
        """Return the changes of one sort that were published, of the listings of these names alone where named."""
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
        """Return the result of a rule by which each change of these is answered in time."""
        missing = [change for change in wanted if not is_done(change)]
        late = [change.object_id for change in missing if self.at > self.deadline(change, ANSWER_WITHIN)]
        if late:
            return RuleResult(name, "failed", tuple(late))
        if missing or not self.is_played:
            return RuleResult(name, "open", tuple(change.object_id for change in missing))
        return RuleResult(name, "passed")

    def forbidden(self, name: str, wrong: Iterable[str]) -> RuleResult:
        """Return the result of a rule by which these ids should not be."""
        if objects := tuple(dict.fromkeys(wrong)):
            return RuleResult(name, "failed", objects)
        return RuleResult(name, "passed" if self.is_played else "open")


class Rule(NamedTuple):
    """A rule of the sandbox: its name, what a client should do, what to do where it is failed, and its check."""

    name: str
    text: str
    way_out: str
    check: Callable[[RehearsalRecord], RuleResult]


def results(tx: Tx, run: Rehearsal, at: int) -> list[RuleResult]:
    """Return how the client of a rehearsal stands with each rule at ``at`` (microseconds)."""
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
        # Who never acted has nothing to drop.
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
    """Return the result of a rule by which whatever was done about these listings before is taken back in time."""

    def is_given_back(change: PlayedChange) -> bool:
        if not record.answered(change, _ACTS):
            return True
        answers = record.answered(change, {OutcomeWord.RESTORED}, since=change.added)
        return any(answer.at <= record.deadline(change, ANSWER_WITHIN) for answer in answers)

    return record.demanded(name, changes, is_given_back)


def _furthest(reads: Iterable[ReadStretch], base: int) -> int:
    """Return the place up to which the stretches follow each other without a gap."""
    reached = base
    for read in sorted(reads, key=lambda read: (read.after, read.up_to)):
        if read.after > reached:
            break
        reached = max(reached, read.up_to)
    return reached


RULES = (
    Rule(
        "pages",
        "reads every page in order, and leaves nothing out",
        "follow next while a page says more, and go on from X-TAXII-Date-Added-Last, never from your own clock",
        _pages,
    ),
    Rule(
        "acts",
        "acts on each listing of grade block within fifteen minutes, and says so",
        "send the outcome blocked, declined, taken-down or number-disconnected for each listing of grade block",
        _acts,
    ),
    Rule(
        "holds",
        "holds the money where the grade is hold",
        "send the outcome held for listings of grade hold, at latest fifteen minutes after they are there",
        _holds,
    ),
    Rule(
        "spares",
        "does not block what is graded step-up, warn, monitor or investigate",
        "read the grade in the extension, not the type of the object: a weak listing may warn, and never block",
        _spares,
    ),
    Rule(
        "disputes",
        "leaves alone what is disputed, and gives back what becomes so",
        "read the property disputed; send restored where a listing that you acted on becomes disputed",
        _disputes,
    ),
    Rule(
        "revocations",
        "reads each revocation within ten minutes, and gives back within fifteen",
        "poll every five minutes; send restored for the id of what was revoked",
        _revocations,
    ),
    Rule(
        "ends",
        "drops what has expired, without being told",
        "look at valid_until: give the block that end (effective_until), or send restored when it is over",
        _ends,
    ),
    Rule(
        "relistings",
        "acts again on what is listed again under a new id",
        "match by value, and take a new id as a new listing",
        _relistings,
    ),
    Rule(
        "knows",
        "answers only about listings that it has read here",
        "refer to ids that the collection of the sandbox served, after you have read them",
        _knows,
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}

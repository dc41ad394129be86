"""The figures: definition, dimensions, and whether each is public."""

from enum import StrEnum
from typing import NamedTuple


class Dimension(StrEnum):
    """A dimension of figures; each cell is for one word of one dimension, never for words of two."""

    KIND = "kind"
    SCAM_TYPE = "scam_type"
    CHANNEL = "channel"
    RAIL = "payment_rail"
    COUNTRY = "country"
    INSTITUTION = "institution"
    REPORTER_KIND = "reporter_kind"
    GRADE = "grade"
    OUTCOME = "outcome"
    CURRENCY = "currency"
    NOTICED_BY = "noticed_by"
    ANSWER = "answer"
    TIMELINESS = "timeliness"


class Measure(StrEnum):
    """A measure of a cell; durations are stored in milliseconds and shown in seconds."""

    COUNT = "count"
    P50 = "p50"
    P95 = "p95"
    ITEMS = "items"
    VICTIMS = "victims"
    AMOUNT = "amount"


class Figure(NamedTuple):
    """A figure: its definition in one sentence, its dimensions, and whether it is published."""

    name: str
    meaning: str
    dimensions: tuple[Dimension, ...]
    is_public: bool = True
    is_duration: bool = False
    is_stock: bool = False


_OF_A_VALUE = (Dimension.KIND, Dimension.SCAM_TYPE, Dimension.COUNTRY, Dimension.INSTITUTION)

RECEIVED = Figure(
    "received",
    "values that an organisation reported for the first time, whether or not they were released",
    (*_OF_A_VALUE, Dimension.CHANNEL, Dimension.RAIL, Dimension.REPORTER_KIND),
    is_public=False,
)
REPORTS = Figure(
    "reports",
    "values that an organisation reported for the first time, and without limits, on the day on which a "
    "listing in a shared collection first included the report",
    (*_OF_A_VALUE, Dimension.CHANNEL, Dimension.RAIL, Dimension.REPORTER_KIND),
)
LISTED = Figure(
    "listed",
    "listings that were added to their shared collection, or renewed after they had ended",
    (*_OF_A_VALUE, Dimension.GRADE),
)
DELISTED = Figure("delisted", "listings that were delisted before their end", _OF_A_VALUE)
ACTIVE = Figure(
    "active",
    "active listings at the end of the day: those added, without those delisted or ended",
    (*_OF_A_VALUE, Dimension.GRADE),
    is_public=False,
    is_stock=True,
)
SIGHTINGS = Figure(
    "sightings",
    "sightings of listed values that partners shared; `reporter_kind` is the kind of the partner that saw them",
    (Dimension.KIND, Dimension.REPORTER_KIND),
)
ACTIONS = Figure(
    "actions",
    "outcomes about listed values that partners shared, each record once, without those held for a person; "
    "`reporter_kind` is the kind of the partner that acted",
    (Dimension.KIND, Dimension.OUTCOME, Dimension.REPORTER_KIND),
)
TO_LISTING = Figure(
    "report-to-listing",
    "from the first report of a value to its first listing in its shared collection",
    (Dimension.KIND,),
    is_duration=True,
)
TO_READ = Figure(
    "listing-to-read",
    (
        "from the addition of a listing to the first time that any reader had read its collection up to it; on "
        "the day on which the hub counts it"
    ),
    (Dimension.KIND,),
    is_duration=True,
)
TO_ACTION = Figure(
    "listing-to-action",
    "from the addition of a listing to the first outcome about it that states an action",
    (Dimension.KIND,),
    is_duration=True,
)
TO_ALL = Figure(
    "delisting-to-all",
    "from a delisting until every reader of the listing knew of it; on the day on which the hub counts it",
    (Dimension.KIND,),
    is_duration=True,
)
OUTCOMES = Figure(
    "outcomes",
    "money and people: records of outcomes with totals, each statement once, by the day on which they count; "
    "the items (payments, accounts, messages), the people, and the money in each currency. Never add up two "
    "outcomes: they may be about the same money. Public only by month, as of the end of the month, with "
    "amounts rounded down to two digits",
    (Dimension.OUTCOME, Dimension.CURRENCY),
)
WRONG = Figure(
    "wrong",
    "listings that were delisted as wrong, after a dispute, an objection or by the operator, on the day on "
    "which the hub counts that decision. Also listings that their provider found `genuine` or `misattributed`, on "
    "the day of the finding. By the kind of partner that noticed it first, or by `keeper` (the provider), "
    "`objection` (only in `public`) or `operator`",
    (Dimension.KIND, Dimension.NOTICED_BY),
)
WRONG_LISTED = Figure(
    "wrong-listed-for",
    "how long such a listing had been active",
    (Dimension.KIND, Dimension.NOTICED_BY),
    is_duration=True,
)
_OF_AN_ANSWER = (Dimension.KIND, Dimension.ANSWER, Dimension.TIMELINESS)
ANSWERS_GIVEN = Figure(
    "answers-given",
    "providers' first findings on each of their listings, shared or not; from the addition to their "
    "collection; `in-time`: within `answer_target`",
    _OF_AN_ANSWER,
    is_public=False,
    is_duration=True,
)
PROVIDER_ANSWERS = Figure(
    "keeper-answers",
    "those of `answers-given` about listings in shared collections; the organisations are the providers",
    _OF_AN_ANSWER,
    is_duration=True,
)
OBJECTIONS_DECIDED = Figure(
    "objections-decided",
    "objections that a person decided: `cleared` or `stays`; from their receipt; `in-time`: by the promised day",
    _OF_AN_ANSWER,
    is_public=False,
    is_duration=True,
)
OBJECTIONS = Figure(
    "objections",
    "those of `objections-decided` against listings in `public`; the organisations are those that reported the value",
    _OF_AN_ANSWER,
    is_duration=True,
)

ALL: tuple[Figure, ...] = (
    *(RECEIVED, REPORTS, LISTED, DELISTED, ACTIVE, SIGHTINGS, ACTIONS),
    *(OUTCOMES, TO_LISTING, TO_READ, TO_ACTION, TO_ALL, WRONG, WRONG_LISTED),
    *(ANSWERS_GIVEN, PROVIDER_ANSWERS, OBJECTIONS_DECIDED, OBJECTIONS),
)
BY_NAME = {figure.name: figure for figure in ALL}
PUBLIC = tuple(figure for figure in ALL if figure.is_public)

NOT_STATED = "not-stated"
# In place of a count: for a month of which some days show a part, and the rest is hidden.
AT_LEAST = "at-least"

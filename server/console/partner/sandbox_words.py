"""The rules of the sandbox in the words of a page: what a client should do, and what to do where it did not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from server.console.words import Translatable, mark


class RuleWords(NamedTuple):
    """A rule as a person reads it."""

    text: Translatable
    way_out: Translatable


RULES: Mapping[str, RuleWords] = MappingProxyType(
    {
        "pages": RuleWords(
            mark("It read every page in order, and left nothing out."),
            mark(
                "Follow “next” while a page says that there is more, and go on from the date that the server sends, "
                "never from your own clock."
            ),
        ),
        "acts": RuleWords(
            mark("It acted on each listing of the grade “block” within fifteen minutes, and said so."),
            mark("Send an outcome for each of these: blocked, declined, taken down or number disconnected."),
        ),
        "holds": RuleWords(
            mark("It held the money where the grade is “hold”."),
            mark("Send the outcome “held” within fifteen minutes."),
        ),
        "spares": RuleWords(
            mark("It blocked nothing of a weaker grade."),
            mark("Read the grade in the extension. A weaker grade may warn, and never block."),
        ),
        "disputes": RuleWords(
            mark("It left alone what is disputed, and gave back what became so."),
            mark("Read the property “disputed”, and send the outcome “restored” where you had acted."),
        ),
        "revocations": RuleWords(
            mark("It read each revocation within ten minutes, and gave back within fifteen."),
            mark("Poll every five minutes, and send the outcome “restored” for what was revoked."),
        ),
        "ends": RuleWords(
            mark("It dropped what had expired, without being told."),
            mark("Give the block the end of the listing, or send the outcome “restored” when it is over."),
        ),
        "relistings": RuleWords(
            mark("It acted again on what was listed again under a new id."),
            mark("Match by the value, and take a new id as a new listing."),
        ),
        "knows": RuleWords(
            mark("It answered only about listings that it had read here."),
            mark("Refer to ids that this collection served, after you have read them."),
        ),
    }
)
STATES: Mapping[str, Translatable] = MappingProxyType(
    {"passed": mark("Met"), "open": mark("Not yet"), "failed": mark("Not met")}
)

"""The words of objections and referrals, as operators read them."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.api.objection import Ground, ObjectionAnswer, UpholdReason
from schemas.vocabulary import ReferralAnswer
from server.console.words import Translatable, mark

GROUNDS: Mapping[str, Translatable] = MappingProxyType(
    {
        Ground.NOT_INVOLVED: mark("has nothing to do with it"),
        Ground.NUMBER_REASSIGNED: mark("got the number from somebody else"),
        Ground.OWN_BUSINESS: mark("it is an honest business"),
        Ground.OTHER_VALUE: mark("it is another one, which looks alike"),
        Ground.IMPERSONATED: mark("somebody pretends to be them"),
        Ground.HACKED: mark("it was broken into"),
        Ground.PAID_BACK: mark("the money was paid back"),
        Ground.OTHER: mark("another ground"),
    }
)
UPHOLD_REASONS: Mapping[str, Translatable] = MappingProxyType(
    {
        UpholdReason.KEEPER_CONFIRMS: mark("the keeping bank confirms it"),
        UpholdReason.AUTHORITY_CONFIRMS: mark("an authority confirms it"),
        UpholdReason.SEVERAL_REPORTS: mark("several partners report it"),
        UpholdReason.COURT_ORDER: mark("a court ordered it"),
        UpholdReason.NOT_THE_HOLDER: mark("who objects is not the holder"),
        UpholdReason.OTHER: mark("for another reason"),
    }
)
OBJECTION_ANSWERS: Mapping[str, Translatable] = MappingProxyType(
    {
        ObjectionAnswer.CLEARED: mark("taken back"),
        ObjectionAnswer.STAYS: mark("the listing stays"),
        ObjectionAnswer.REVIEWED: mark("looked at: nothing is listed"),
    }
)
REFERRAL_ANSWERS: Mapping[str, Translatable] = MappingProxyType(
    {
        ReferralAnswer.ACCEPTED: mark("they take it on"),
        ReferralAnswer.IN_CONTACT: mark("they are in contact"),
        ReferralAnswer.PROTECTED: mark("the person is protected"),
        ReferralAnswer.DECLINED: mark("they decline"),
        ReferralAnswer.NOT_REACHED: mark("the person was not reached"),
        ReferralAnswer.NOT_COERCED: mark("the person is not coerced"),
    }
)

"""The time that the addressee of a takedown request has for a response, by ``[[deadline]]`` tables of the policy."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.partner import CountryCode
from schemas.request import TAKEDOWNS, RequestWord
from schemas.takedown import TIME_ALLOWED, TakedownBasis, TimeAllowed


def _takedown(word: RequestWord) -> RequestWord:
    if word not in TAKEDOWNS:
        raise ValueError(f"only takedown requests have these times: {', '.join(sorted(TAKEDOWNS))}")
    return word


class PolicyDeadline(BaseModel):
    """The time for a response to the requests that meet all of its conditions; without conditions, to all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Annotated[tuple[TakedownBasis, ...], Field(max_length=len(TakedownBasis))] = ()
    asks: Annotated[
        tuple[Annotated[RequestWord, AfterValidator(_takedown)], ...], Field(max_length=len(TAKEDOWNS))
    ] = ()
    countries: Annotated[tuple[CountryCode, ...], Field(max_length=300, description="of the addressee")] = ()
    time: TimeAllowed

    def applies(self, basis: TakedownBasis, asks: RequestWord, country: str | None) -> bool:
        """Return whether it applies to such requests to an addressee in a country, None if the country is not known."""
        return (
            (not self.basis or basis in self.basis)
            and (not self.asks or asks in self.asks)
            and (not self.countries or country in self.countries)
        )


def time_allowed(
    deadlines: Iterable[PolicyDeadline],
    basis: TakedownBasis,
    asks: RequestWord,
    country: str | None,
    wanted: timedelta | None = None,
) -> timedelta:
    """Return the time for a response; ``wanted`` is that of the sender.

    The first table that applies is the longest time. If none does, the sender's time is used, or the default of the
    basis.
    """
    found = next((one.time for one in deadlines if one.applies(basis, asks, country)), None)
    if found is None:
        return TIME_ALLOWED[basis] if wanted is None else wanted
    return found if wanted is None else min(found, wanted)

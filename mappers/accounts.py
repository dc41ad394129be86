"""What no type of STIX fits, as ``user-account``: who issues it is the account's type, and its number there the id."""

from mappers.pattern import Terms

_TYPE = "user-account"


def spelled(account_type: str, user_id: str) -> Terms:
    """Give the terms of an account by type and id."""
    return Terms(_TYPE, {"account_type": account_type, "user_id": user_id})


def read(terms: Terms) -> tuple[str, str] | None:
    """Give type and id of an account that is named by these two alone, None of any other thing."""
    if terms.type != _TYPE or terms.properties.keys() != {"account_type", "user_id"}:
        return None
    return terms.properties["account_type"], terms.properties["user_id"]

"""The rights to pages: those of a role, and how long a proof of identity counts."""

from server.store.operators.users import OperatorRole, PartnerRole, User

# Whoever comes.
ANYBODY: frozenset[str] = frozenset(("anybody",))
_OF_OPERATORS = tuple(str(role) for role in OperatorRole)


def right_of(user: User) -> str:
    """Return the right that a user has: the role, and for a partner's user with whose it is."""
    return str(user.role) if user.partner is None else f"partner-{user.role}"


def _from(role: OperatorRole) -> frozenset[str]:
    return frozenset(_OF_OPERATORS[_OF_OPERATORS.index(role) :])


# Each role may do all that the one before it may.
VIEWERS, ANALYSTS, APPROVERS, ADMINS = (_from(role) for role in OperatorRole)
PARTNERS: frozenset[str] = frozenset(f"partner-{role}" for role in PartnerRole)
PARTNER_WRITERS = PARTNERS - {f"partner-{PartnerRole.READER}"}
PARTNER_ADMINS: frozenset[str] = frozenset((f"partner-{PartnerRole.ADMIN}",))
EVERY_USER = VIEWERS | PARTNERS

# What reaches far asks for the password and a code again, where the last proof is older.
FRESH_MICROSECONDS = 10 * 60 * 1_000_000

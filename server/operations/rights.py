"""Rights: the right of each actor, and the sets of rights that pages and operations require."""

from server.store.operators.users import OperatorRole, PartnerRole, User

# A visitor who is not logged in.
VISITOR = "anybody"
# Every visitor, logged in or not.
ANYBODY: frozenset[str] = frozenset((VISITOR,))
# The command line on the hub's own machine: it has every right.
SYSTEM = "system"
# A partner's program, by its credentials.
PROGRAM = "partner-program"
_OF_OPERATORS = tuple(str(role) for role in OperatorRole)


def right_of(user: User) -> str:
    """Return the right of a user: the role, with a prefix for a partner's user."""
    return str(user.role) if user.partner is None else f"partner-{user.role}"


def _from(role: OperatorRole) -> frozenset[str]:
    return frozenset(_OF_OPERATORS[_OF_OPERATORS.index(role) :])


# Each role includes the rights of the roles before it.
VIEWERS, ANALYSTS, APPROVERS, ADMINS = (_from(role) for role in OperatorRole)
PARTNERS: frozenset[str] = frozenset(f"partner-{role}" for role in PartnerRole)
PARTNER_WRITERS = PARTNERS - {f"partner-{PartnerRole.READER}"}
PARTNER_ADMINS: frozenset[str] = frozenset((f"partner-{PartnerRole.ADMIN}",))
EVERY_USER = VIEWERS | PARTNERS
PROGRAMS: frozenset[str] = frozenset((PROGRAM,))
# No role: the command line alone runs the operation.
COMMANDS: frozenset[str] = frozenset()

# Pages for far-reaching acts require a password and a code that are not older than this.
FRESH_MICROSECONDS = 10 * 60 * 1_000_000

"""The bits that tell which variants of a collection have something of a row of the log."""

# A collection's own, or that of the plain variant of a shared one.
PLAIN = 1
# Of the full variant: the object itself, and the observable and the relationship that a listing brings along there.
FULL = 2
OBSERVABLE = 4
RELATIONSHIP = 8

# How long after the row's ``date_added`` each of them stands.
LATER = {PLAIN: 0, FULL: 0, OBSERVABLE: 1, RELATIONSHIP: 2}
# All that a variant has, in its order.
OF_VARIANT = {PLAIN: (PLAIN,), FULL: (FULL, OBSERVABLE, RELATIONSHIP)}

"""Limits of requests: their maximum duration, and how far money is followed; see ``RequestLimits`` for their number."""

# Maximum number of hops after one request, and of requests in all, including the first one.
MOST_HOPS = 5
MOST_OF_A_CHAIN = 100
# Maximum number of requests that one call can respond to.
MOST_AT_ONCE = 100
# Maximum number of days until a deadline, or until the end of a freeze.
DEADLINE_DAYS = 366
HOLD_DAYS = 180
# A peer may send, and have open, this many times the requests of one organisation.
PEER_TIMES = 10
# Maximum number of refused requests of one peer per day whose sender is told the reason.
MOST_REFUSED = 1_000
# Maximum number of times that the hub opens a takedown request again because a name exists again.
MOST_REOPENED = 10
# Maximum number of different responses of one host to one takedown request.
MOST_RESPONSES = 50
# A takedown request that its addressee never received is closed after this many days.
SERVICE_DAYS = 30

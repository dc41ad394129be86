"""What the API root says of itself: its name, how long a body may be, and how many objects it may hold."""

API_ROOT = "feed"
MAX_CONTENT_LENGTH = 100 * 1024 * 1024
# Where the settings do not say otherwise.
MOST_OBJECTS = 20_000

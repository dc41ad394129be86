"""What the API root says of itself: its name, and how long a body may be."""

API_ROOT = "feed"
MAX_CONTENT_LENGTH = 100 * 1024 * 1024

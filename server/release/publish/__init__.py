"""Publishing: listings in collections, their changes, and feedback to contributors."""

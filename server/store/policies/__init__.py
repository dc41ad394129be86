"""The current and earlier policies, in order."""

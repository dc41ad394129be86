"""Commands about the configured feeds: runs, schedules, checks, deliveries."""

"""Orders of persons to the schedule: to run a feed now, to try a run that keeps nothing, or to retry what failed."""

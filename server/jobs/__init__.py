"""Background work of a running hub: runs on a clock, and resumes after a crash."""

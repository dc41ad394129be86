"""Two versions of the project, the same history: what every partner reads has to be the same."""

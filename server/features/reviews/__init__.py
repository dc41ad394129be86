"""Reviews: contributions, disputes and ends that wait for a decision."""

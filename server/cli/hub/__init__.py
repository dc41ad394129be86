"""Commands that run a hub: set up, serve, status, policy, allowlists."""

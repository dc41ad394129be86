"""The partners of a hub: how one comes, what it may do, and how it leaves."""

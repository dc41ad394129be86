"""The policy of a hub: which rules are in force, what others would change, and how two persons change them."""

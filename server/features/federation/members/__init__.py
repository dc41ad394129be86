"""Members of several hubs: the links of organisations, and the comparison of members with a peer."""

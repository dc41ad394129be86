"""The desk of peers: what operators see of other hubs, and decide about them."""

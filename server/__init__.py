"""The hub: store, release rules, TAXII server."""

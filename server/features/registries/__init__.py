"""Registries: what DNS and RDAP say about names and addresses; the sites themselves are never contacted."""

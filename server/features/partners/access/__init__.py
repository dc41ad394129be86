"""The access of partners: rights to collections, credentials and client certificates."""

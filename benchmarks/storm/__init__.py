"""Several nodes on one database, which is far away, or whose nodes are killed at random, and many partners at once."""

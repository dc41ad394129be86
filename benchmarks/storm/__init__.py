"""Several nodes on one database, far away from it or killed at random, and many partners at once."""

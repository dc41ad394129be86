"""People: operators, the logins of all users, and their own accounts."""

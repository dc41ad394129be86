"""Payment aliases: the systems that take them in place of an account number, and the forms of their aliases."""

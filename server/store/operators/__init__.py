"""The persons who may log in to the pages, operators and users of partners, and their sessions."""

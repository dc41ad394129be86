"""The persons who may log in to the pages, operators and partners' users, and their sessions."""

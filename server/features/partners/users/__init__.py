"""The users who may log in to the pages of a partner."""

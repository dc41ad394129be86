"""The pages for the users of a partner."""

"""Commands about the persons who log in to the pages."""

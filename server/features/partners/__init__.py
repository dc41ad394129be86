"""Partners of a hub: their properties, their access, and the users of their pages."""

"""The JSON API: its routes, found in ``api.py`` of every feature, and all that follows from them."""

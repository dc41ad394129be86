"""The page for people who open the server's address: the same for everybody, with nothing of what is shared."""

from server.dashboard.page import Page, wanted

__all__ = ["Page", "wanted"]

"""What a person sees who opens the server's address: one page, for everybody, that tells nothing of what is shared."""

from server.dashboard.page import Page, wanted

__all__ = ["Page", "wanted"]

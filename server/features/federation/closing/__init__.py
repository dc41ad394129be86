"""The end of this hub, as its heads announce it to other hubs."""

"""Federation: how this hub exchanges reports with other hubs."""

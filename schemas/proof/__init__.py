"""Documents that can be checked away from the hub: signed statements, and the exported audit trail."""

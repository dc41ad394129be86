"""Messages between this hub and its peers about one matter: those to send, and the newest number of those received."""

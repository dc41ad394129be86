"""Hub reports that a peer posts to the inbox, instead of waiting until this hub reads them."""

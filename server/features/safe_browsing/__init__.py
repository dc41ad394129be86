"""Safe Browsing v5: hash prefixes of listed domains and URLs, for browsers and resolvers that reveal no address."""

"""HTTP to other people's servers: addresses, proxies, retries, paging."""

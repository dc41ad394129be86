"""HTTP, folders here and on other machines, and mailboxes: addresses, proxies, retries, paging, signatures."""

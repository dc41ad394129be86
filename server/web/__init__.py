"""The front ends' shells: HTTP, TAXII, the JSON API, the pages and logging in."""

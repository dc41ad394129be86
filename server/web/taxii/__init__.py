"""The TAXII 2.1 server: one application, with Medallion behind it for the resources that its views answer."""

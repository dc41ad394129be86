"""Messages of ISO 20022 at the edge of requests between institutions: camt.056, camt.029 and pacs.004."""

"""The database: connections, transactions, statements, and what differs between SQLite and PostgreSQL."""

"""The database: connections, transactions, statements, and the differences between SQLite and PostgreSQL."""

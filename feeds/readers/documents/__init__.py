"""Documents of tables and text: web pages, Word, PDF, old workbooks and mail, read by a process with limits."""

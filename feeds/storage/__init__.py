"""Storage: folders here and on other machines, mailboxes, signatures of files."""

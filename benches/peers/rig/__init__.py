"""What `measure` is made of: mailboxes, the server, the programs compared, the record."""

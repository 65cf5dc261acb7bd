//! A POP3 client, blocking and async, over one protocol core.

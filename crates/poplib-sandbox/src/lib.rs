//! A POP3 server for tests, demos and benches that misbehaves on request.

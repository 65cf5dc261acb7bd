//! The POP3 protocol without I/O: bytes to typed replies, commands to bytes.

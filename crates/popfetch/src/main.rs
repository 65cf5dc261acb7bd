//! Fetches POP3 mail and never loses or duplicates a message.

fn main() {}

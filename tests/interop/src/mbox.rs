//! Maildrops in one file, as servers of the older kind have them.

/// All messages in one mbox (mboxrd): `From ` behind any number of `>` gets one more, and each
/// message ends with a line end and an empty line, its header, too.
pub(crate) fn mbox(messages: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut mbox = Vec::new();
    for message in messages {
        mbox.extend_from_slice(b"From sender@example.org Sun Nov 22 10:00:00 2026\n");
        for line in message.split_inclusive(|octet| *octet == b'\n') {
            let quotes = line.iter().take_while(|octet| **octet == b'>').count();
            if line[quotes..].starts_with(b"From ") {
                mbox.push(b'>');
            }
            mbox.extend_from_slice(line);
        }
        if !message.ends_with(b"\n") {
            mbox.push(b'\n');
        }
        if !message.starts_with(b"\n") && memchr::memmem::find(&message, b"\n\n").is_none() {
            mbox.push(b'\n');
        }
        mbox.push(b'\n');
    }
    mbox
}

//! The sample mail: one message of each kind that is easily got wrong. It is the same in every
//! run, and so are its unique-ids.

use poplib_sandbox::Mailbox;

/// Octets of the attachment as it is sent.
const PHOTOS: usize = 20_000_000;

pub(super) fn sample() -> Mailbox {
    let mut messages: Vec<Vec<u8>> = [
        &include_bytes!("mail/welcome.eml")[..],
        include_bytes!("mail/umlauts.eml"),
        include_bytes!("mail/kanji.eml"),
        include_bytes!("mail/attachment.eml"),
        include_bytes!("mail/dots.eml"),
        include_bytes!("mail/escapes.eml"),
    ]
    .map(<[u8]>::to_vec)
    .into();
    messages.push(photos());
    Mailbox::messages(messages)
}

/// A message with a large attachment, which only looks like photos.
fn photos() -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LINE: usize = 76;
    let mut message = include_bytes!("mail/photos.eml").to_vec();
    message.reserve(PHOTOS + PHOTOS / LINE + 1);
    // A linear congruential generator (Knuth's MMIX); its upper bits are random enough.
    let mut random = 1_u64;
    for start in (0..PHOTOS).step_by(LINE) {
        message.extend((start..PHOTOS.min(start + LINE)).map(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ALPHABET[(random >> 58) as usize]
        }));
        message.push(b'\n');
    }
    message
}

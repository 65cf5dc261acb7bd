//! The parts of a message's body that do no input.

macro_rules! body {
    ($($extra:ident: $initial:expr)?) => {
        impl<'a> Body<'a> {
            pub(super) fn new(link: &'a mut Link, start: BodyStart) -> Self {
                let progress = link.core.progress();
                Self {
                    link,
                    start,
                    progress,
                    used: 0,
                    $($extra: $initial,)?
                }
            }

            /// The server's +OK line. Octets named in it are a hint and no length.
            #[must_use]
            pub fn reply(&self) -> &Reply {
                &self.start.reply
            }

            /// What is left of the present piece.
            fn rest(&self) -> &[u8] {
                &self.link.core.connection.run()[self.used..]
            }
        }
    };
}

pub(crate) use body;

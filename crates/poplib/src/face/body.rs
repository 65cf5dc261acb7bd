//! The parts of a message's body that do no input.

macro_rules! body {
    ($($extra:ident: $initial:expr)?) => {
        impl<'a> Body<'a> {
            pub(super) fn new(link: &'a mut Link, start: BodyStart) -> Self {
                let progress = link.core.progress();
                // What another body has left there is not of this one.
                let used = link.core.connection.run().len();
                Self {
                    link,
                    start,
                    progress,
                    used,
                    $($extra: $initial,)?
                }
            }

            /// The server's +OK line. Octets named in it are a hint and no length.
            #[must_use]
            pub fn reply(&self) -> &Reply {
                &self.start.reply
            }

            /// Goes on with what has come of it.
            fn step(&mut self) -> Result<BodyStep, Error> {
                let core = &mut self.link.core;
                let step = core.connection.advance_body(self.start.ticket);
                step.map_err(|error| core.learn_from_body(error))
            }

            /// What is left of the present piece.
            fn rest(&self) -> &[u8] {
                let run = self.link.core.connection.run();
                run.get(self.used..).unwrap_or_default()
            }

            /// What is left of the present piece, used up.
            fn take_rest(&mut self) -> &[u8] {
                let run = self.link.core.connection.run();
                let rest = run.get(self.used..).unwrap_or_default();
                self.used = run.len();
                rest
            }
        }
    };
}

pub(crate) use body;

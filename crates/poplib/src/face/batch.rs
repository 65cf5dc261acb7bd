//! Batches, and what runs them.

macro_rules! batches {
    ([$($async:tt)?] [$($await:tt)*] $iteration:expr) => {
        /// A batch of commands that are answered with a line each. The outcomes come in the order
        /// of the commands; a command that is refused costs the others nothing.
        ///
        #[doc = $iteration]
        ///
        /// `I` is what the messages' numbers came from, `C` a command of
        /// [`proto::command`](crate::proto::command): `Batch<'_, vec::IntoIter<u32>, Dele>`.
        ///
        /// Dropped before its end, the answers to what is on its way are skipped when the session
        /// is used next.
        #[must_use = "nothing is sent until the outcomes are asked for"]
        pub struct Batch<'a, I, C>
        where
            I: Iterator,
            C: Command,
        {
            link: &'a mut Link,
            pipeline: Pipeline<Commands<I, C>, C>,
            outcomes: u64,
            is_over: bool,
        }

        impl<'a, I, C> Batch<'a, I, C>
        where
            I: Iterator,
            C: Command,
        {
            fn new(link: &'a mut Link, planned: Commands<I, C>) -> Self {
                let pipeline = Pipeline::new(planned, link.core.window(COMMAND_OCTETS));
                Self { link, pipeline, outcomes: 0, is_over: false }
            }

            /// The next message's number and what came of its command; `None` after the last.
            ///
            /// # Errors
            ///
            /// Those that end the connection. Where it broke while several commands were on
            /// their way, [`ProtocolError::PipelineBroken`](crate::ProtocolError::PipelineBroken).
            pub $($async)? fn next_outcome(&mut self) -> Result<Option<(u32, Result<C::Output, Error>)>, Error> {
                let next = self.link.run(&mut self.pipeline, Phase::Batch) $($await)*;
                let is_pipelined = self.pipeline.is_pipelined();
                let next = self.link.core.learn_from_batch(self.outcomes, is_pipelined, next);
                self.is_over = !matches!(next, Ok(Some(_)));
                self.outcomes += 1;
                Ok(next?.map(|(number, outcome)| (number, outcome.map_err(Error::from))))
            }
        }

        /// A batch of commands that are answered with a message each, in the order of the
        /// commands. A message that is refused costs the others nothing; one that is not read to
        /// its end is skipped.
        ///
        /// As a body is read through the session, it must be gone before the next one comes. No
        /// iterator can say that: `while let Some((number, body)) = bodies.next_body()…` does.
        #[must_use = "nothing is sent until the bodies are asked for"]
        pub struct Bodies<'a, I, C>(Batch<'a, I, C>)
        where
            I: Iterator,
            C: Command<Output = BodyStart>;

        impl<'a, I, C> Bodies<'a, I, C>
        where
            I: Iterator,
            C: Command<Output = BodyStart>,
        {
            fn new(link: &'a mut Link, planned: Commands<I, C>) -> Self {
                Self(Batch::new(link, planned))
            }

            /// Sends NOOP behind the last command, without waiting for an answer in between where
            /// the server can pipeline, and comes to the end when NOOP is answered, whatever the
            /// answer: an answer where one should be shows that the last message was whole, as a
            /// server that does not byte-stuff ends messages early ([Q11]).
            ///
            /// To be called before the first [`next_body`](Self::next_body).
            ///
            /// [Q11]: poplib_proto::rows#q11
            pub fn ending_with_noop(mut self) -> Self {
                self.0.pipeline = self.0.pipeline.ending_with_noop();
                self
            }

            /// The next message's number and its body; `None` after the last.
            ///
            /// # Errors
            ///
            /// Those of [`Batch::next_outcome`].
            pub $($async)? fn next_body(&mut self) -> Result<Option<(u32, Result<Body<'_>, Error>)>, Error> {
                let Some((number, outcome)) = self.0.next_outcome() $($await)*? else {
                    return Ok(None);
                };
                let link = &mut *self.0.link;
                Ok(Some((number, outcome.map(|start| Body::new(link, start)))))
            }
        }

        impl Link {
            /// Learns whether the server advertises PIPELINING, if that is to decide. A server
            /// that refuses CAPA does not.
            $($async)? fn learn_pipelining(&mut self) -> Result<(), Error> {
                if self.core.must_learn_pipelining() {
                    let outcome = self.call(command::Capa) $($await)*;
                    self.core.learn_from_capa(Practice::CapaAfterLogin, &outcome);
                    match outcome {
                        Ok(_) | Err(Error::Protocol(ProtocolError::Refused(_))) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    };
}

pub(crate) use batches;

//! A session of the protocol core, for a driver in Python.

use std::sync::{Mutex, PoisonError};

use poplib_proto::command::{
    Capa, Dele, Greeting, Lang, LangList, List, Noop, Quit, Rset, Stat, Stls, Uidl, UidlOne, Utf8,
};
use poplib_proto::{Call, Connection, Limits, State, Step, Want, Window};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::batch::{Batch, Wanted};
use crate::error::exception;
use crate::login::LoginRequest;
use crate::operation::{Message, Operation, Simple};
use crate::output::Output;
use crate::trace::Sent;

/// A session without a socket. A driver begins an operation and then repeats:
///
///     step = session.resume()
///     send(session.take_unsent()[0])         # whatever the step
///     if step == "read":  session.receive(read())
///     if step == "tls":   start TLS, then session.protect()
///     if step == "done":  session.output() is the result
#[pyclass(module = "poplib_rs._native")]
pub(crate) struct Session {
    connection: Connection,
    running: Mutex<Running>,
    sent: Sent,
    /// What was received and did not fit into the connection's buffer yet.
    inbox: Vec<u8>,
    taken: usize,
    output: Option<Output>,
}

enum Running {
    Nothing,
    Batch(Box<Batch>),
    Other(Box<dyn Operation>),
}

#[pymethods]
impl Session {
    /// A session in the state "greeting", "authorization" or "transaction".
    #[new]
    fn new(state: &str, protected: bool, allow_plaintext: bool) -> PyResult<Self> {
        let limits = Limits::default();
        let mut connection = match state {
            "greeting" => {
                let mut connection = Connection::new(limits);
                if protected {
                    connection.protect();
                }
                connection
            }
            "authorization" => Connection::adopted(limits, State::Authorization, protected),
            "transaction" => Connection::adopted(limits, State::Transaction, protected),
            _ => return Err(PyValueError::new_err("no such state")),
        };
        if allow_plaintext {
            connection.allow_plaintext_credentials();
        }
        let sent = Sent::default();
        connection.set_observer(Box::new(sent.clone()));
        Ok(Self {
            connection,
            running: Mutex::new(Running::Nothing),
            sent,
            inbox: Vec::new(),
            taken: 0,
            output: None,
        })
    }

    /// Goes on with the operation: "read", "write", "tls" or "done".
    fn resume(&mut self, py: Python<'_>) -> PyResult<&'static str> {
        let step = py.detach(|| self.advance());
        match step.map_err(|error| exception(py, &error))? {
            Step::Want(Want::Read) => Ok("read"),
            Step::Want(Want::Write) => Ok("write"),
            Step::StartTls => Ok("tls"),
            Step::Done(output) => {
                self.output = Some(output);
                Ok("done")
            }
        }
    }

    /// What the operation came to.
    fn output<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.output.take() {
            Some(output) => output.into_python(py),
            None => Err(PyRuntimeError::new_err("the operation is not over")),
        }
    }

    /// Takes what is to be sent, and the same as lines with the secrets taken out.
    fn take_unsent<'py>(
        &mut self,
        py: Python<'py>,
    ) -> (Bound<'py, PyBytes>, Vec<Bound<'py, PyBytes>>) {
        let octets = PyBytes::new(py, self.connection.to_send());
        self.connection.sent(self.connection.to_send().len());
        let shown = self.sent.take();
        let shown = shown.iter().map(|line| PyBytes::new(py, line)).collect();
        (octets, shown)
    }

    /// Takes what was read; nothing is the end of the stream.
    fn receive(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            self.connection.received(0);
        } else {
            self.inbox.drain(..self.taken);
            self.taken = 0;
            self.inbox.extend_from_slice(octets);
        }
    }

    /// Says that TLS protects the stream.
    fn protect(&mut self, py: Python<'_>) -> PyResult<()> {
        self.fill();
        self.connection.protect();
        match self.connection.poisoned() {
            Some(error) => Err(exception(py, error)),
            None => Ok(()),
        }
    }

    /// Takes what was received and answers nothing.
    fn take_unclaimed<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut unclaimed = self.connection.take_unclaimed();
        unclaimed.extend_from_slice(&self.inbox[self.taken..]);
        self.taken = self.inbox.len();
        PyBytes::new(py, &unclaimed)
    }

    /// Whether every request has its answer and another could be made.
    #[getter]
    fn is_settled(&self) -> bool {
        self.connection.is_usable() && self.connection.in_flight() == 0
    }

    #[getter]
    fn advertises_pipelining(&self) -> bool {
        self.connection.advertises_pipelining()
    }

    fn begin_greeting(&mut self) {
        self.begin(Simple::new(Greeting::new(), Output::Welcome));
    }

    fn begin_capa(&mut self) {
        self.begin(Simple::new(Call::new(Capa), Output::Capabilities));
    }

    fn begin_stls(&mut self) {
        self.begin(Simple::new(Stls::new(), |()| Output::Nothing));
    }

    fn begin_login(&mut self, request: LoginRequest) -> PyResult<()> {
        self.begin(Simple::new(request.into_login()?, Output::LoggedIn));
        Ok(())
    }

    fn begin_lang(&mut self, tag: Option<&str>) {
        match tag {
            Some(tag) => self.begin(Simple::new(Call::new(Lang::new(tag)), Output::Reply)),
            None => self.begin(Simple::new(Call::new(LangList), Output::Languages)),
        }
    }

    fn begin_utf8(&mut self) {
        self.begin(Simple::new(Call::new(Utf8), Output::Reply));
    }

    fn begin_stat(&mut self) {
        self.begin(Simple::new(Call::new(Stat), Output::Maildrop));
    }

    fn begin_list(&mut self) {
        self.begin(Simple::new(Call::new(List), |listing| {
            let scans = listing.scans().iter();
            Output::Scans(scans.map(|scan| (scan.number(), scan.octets())).collect())
        }));
    }

    fn begin_uidl(&mut self, number: Option<u32>) {
        match number {
            Some(number) => {
                self.begin(Simple::new(
                    Call::new(UidlOne::new(number)),
                    Output::UniqueId,
                ));
            }
            None => self.begin(Simple::new(Call::new(Uidl), |unique_ids| {
                let pairs = unique_ids.iter().map(|one| (one.number, one.uid.into()));
                Output::UniqueIds(pairs.collect())
            })),
        }
    }

    fn begin_retr(&mut self, number: u32) {
        self.begin(Message::retr(number));
    }

    fn begin_top(&mut self, number: u32, lines: u32) {
        self.begin(Message::top(number, lines));
    }

    fn begin_dele(&mut self, number: u32) {
        self.begin(Simple::new(Call::new(Dele::new(number)), Output::Reply));
    }

    fn begin_noop(&mut self) {
        self.begin(Simple::new(Call::new(Noop), Output::Reply));
    }

    fn begin_rset(&mut self) {
        self.begin(Simple::new(Call::new(Rset), Output::Reply));
    }

    fn begin_quit(&mut self) {
        self.begin(Simple::new(Call::new(Quit), Output::Reply));
    }

    /// A batch of `(number, octets as listed or None)`. Each output is `(number, message or exception)`,
    /// and None at the end.
    fn begin_batch(&mut self, messages: Vec<Wanted>, pipelined: bool) {
        let window = if pipelined {
            Window::default()
        } else {
            Window::ONE
        };
        *self.running_mut() = Running::Batch(Box::new(Batch::new(messages, window)));
    }

    /// Asks for no more messages, and gives back what was not asked for. Outputs come for what
    /// was, and then None.
    fn stop_batch(&mut self) -> Vec<Wanted> {
        match self.running_mut() {
            Running::Batch(batch) => batch.stop(),
            _ => Vec::new(),
        }
    }
}

impl Session {
    fn begin(&mut self, operation: impl Operation + 'static) {
        *self.running_mut() = Running::Other(Box::new(operation));
    }

    fn running_mut(&mut self) -> &mut Running {
        self.running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on for as long as there is something received to go on with.
    fn advance(&mut self) -> Result<Step<Output>, poplib_proto::Error> {
        loop {
            let running = self
                .running
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner);
            let step = match running {
                Running::Nothing => Ok(Step::Done(Output::Nothing)),
                Running::Batch(batch) => batch.resume(&mut self.connection),
                Running::Other(operation) => operation.resume(&mut self.connection),
            }?;
            let can_read = matches!(step, Step::Want(Want::Read));
            if !can_read || !self.fill() {
                return Ok(step);
            }
        }
    }

    /// Moves what was received into the connection's buffer; whether there was something.
    fn fill(&mut self) -> bool {
        let waiting = &self.inbox[self.taken..];
        let space = self.connection.space();
        let octets = waiting.len().min(space.len());
        if octets == 0 {
            return false;
        }
        space[..octets].copy_from_slice(&waiting[..octets]);
        self.connection.received(octets);
        self.taken += octets;
        true
    }
}

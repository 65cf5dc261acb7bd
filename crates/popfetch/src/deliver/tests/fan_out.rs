//! Several targets at once: each gets every message once, whatever happens.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::handover::Handover;
use super::super::letter::Letter;
use super::*;

type Why = fn(Failure) -> Refusal;

/// Takes messages and counts them; or not, as it is told.
#[derive(Clone)]
struct Hands {
    target: Target,
    taken: Arc<std::sync::Mutex<Vec<String>>>,
    /// How often to refuse the message at this position, and how.
    refuse: Option<(u32, Why)>,
    times: Arc<AtomicU32>,
}

impl Hands {
    fn new(refuse: Option<(u32, Why)>, times: u32) -> Self {
        Self {
            target: Target {
                kind: "exec".into(),
                location: b"hands".to_vec(),
            },
            taken: Arc::default(),
            refuse,
            times: Arc::new(AtomicU32::new(times)),
        }
    }

    fn taken(&self) -> Vec<String> {
        let mut taken = self.taken.lock().unwrap().clone();
        taken.sort();
        taken
    }
}

impl Handover for Hands {
    fn target(&self) -> &Target {
        &self.target
    }

    fn begin(&self) -> Result<Box<dyn Courier + '_>, Failure> {
        Ok(Box::new(self.clone()))
    }
}

impl Courier for Hands {
    fn hand_over(&mut self, letter: &Letter<'_>) -> Result<(), Refusal> {
        if let Some((position, refusal)) = self.refuse
            && position == letter.ticket.position
            && self
                .times
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |times| {
                    times.checked_sub(1)
                })
                .is_ok()
        {
            return Err(refusal(Failure::new(Status::InputOutput, "no")));
        }
        let mut content = Vec::new();
        let write = |octets: &[u8]| {
            content.extend_from_slice(octets);
            Ok(())
        };
        letter.write(crate::settings::LineEnd::Keep, write).unwrap();
        let content = String::from_utf8(content).unwrap();
        self.taken.lock().unwrap().push(content);
        Ok(())
    }
}

const MESSAGES: u32 = 3;

fn contents(line_end: &str) -> Vec<String> {
    (0..MESSAGES)
        .map(|position| format!("message {position}{line_end}"))
        .collect()
}

fn messages_in_mbox(directory: &TempDir) -> Vec<String> {
    let mbox = fs::read_to_string(directory.path().join("mbox")).unwrap();
    let mut messages: Vec<String> = mbox
        .split("From MAILER-DAEMON Fri Jan 15 08:00:00 2027\n")
        .map(|message| message.strip_suffix('\n').unwrap_or(message).to_owned())
        .collect();
    assert_eq!(messages.remove(0), "");
    messages.sort();
    messages
}

#[test]
fn an_mbox_is_named_in_the_state_before_it_is_written() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (delivery, _claim) = delivery_to(&directory, &log, vec![mbox(&directory)]);
    deliver(&delivery, 2).unwrap();
    let steps = log.steps();
    assert_eq!(
        steps,
        [
            "mark",
            "sync marker",
            "state storing storing",
            "append",
            "sync mbox",
            &steps[5],
            "state stored stored"
        ]
    );
    assert!(
        steps[5].starts_with("sync ."),
        "the directory: {}",
        steps[5]
    );
}

/// The power goes at every step in turn; afterwards each message is there once in each target.
#[track_caller]
fn crash_at_every_step(all: impl Fn(&TempDir) -> Vec<Destination>, steps: usize) {
    let mut at = 0;
    loop {
        let directory = TempDir::new().unwrap();
        let log = Log::failing_at(at);
        let (crashing, claim) = delivery_to(&directory, &log, all(&directory));
        let complete = deliver(&crashing, MESSAGES).is_ok();
        drop((crashing, claim));

        let (restarted, _claim) = delivery_to(&directory, &Arc::default(), all(&directory));
        deliver_missing(&restarted, MESSAGES);
        assert_eq!(states(&restarted), [State::Stored; MESSAGES as usize]);
        for destination in all(&directory) {
            let found = match destination {
                Destination::Maildir(_) => files(&directory),
                Destination::Mbox(_) => messages_in_mbox(&directory),
                other => unreachable!("{other:?}"),
            };
            assert_eq!(found, contents("\n"), "step {at}");
        }
        if complete {
            break;
        }
        at += 1;
    }
    assert_eq!(at, steps);
}

#[test]
fn a_crash_at_any_step_of_an_mbox() {
    crash_at_every_step(|directory| vec![mbox(directory)], 7);
}

#[test]
fn a_crash_at_any_step_of_an_mbox_and_a_maildir() {
    crash_at_every_step(|directory| vec![mbox(directory), maildir(directory)], 21);
}

#[test]
fn a_crash_at_any_step_hands_over_at_least_once_and_at_most_one_twice() {
    let mut at = 0;
    loop {
        let directory = TempDir::new().unwrap();
        let log = Log::failing_at(at);
        let hands = Hands::new(None, 0);
        let open = |log: &Arc<Log>| {
            let (mut delivery, claim) = delivery_to(&directory, log, vec![maildir(&directory)]);
            delivery.targets.handovers.push(Box::new(hands.clone()));
            (delivery, claim)
        };
        let (crashing, claim) = open(&log);
        let complete = deliver(&crashing, MESSAGES).is_ok();
        drop((crashing, claim));

        let (restarted, _claim) = open(&Arc::default());
        deliver_missing(&restarted, MESSAGES);
        assert_eq!(files(&directory), contents("\n"), "step {at}");
        let mut taken = hands.taken();
        assert!(taken.len() <= MESSAGES as usize + 1, "step {at}: {taken:?}");
        taken.dedup();
        assert_eq!(taken, contents("\r\n"), "step {at}");
        if complete {
            break;
        }
        at += 1;
    }
    // The three states after handing over are three steps, and that before it is one.
    assert_eq!(at, 19);
}

#[test]
fn who_has_a_message_does_not_get_it_again_because_another_refused_it() {
    for (refusal, counts) in [(Refusal::Message as Why, true), (Refusal::ForNow, false)] {
        let directory = TempDir::new().unwrap();
        let all = vec![maildir(&directory), mbox(&directory)];
        let (mut delivery, _claim) = delivery_to(&directory, &Arc::default(), all);
        let hands = Hands::new(Some((1, refusal)), 2);
        delivery.targets.handovers.push(Box::new(hands.clone()));

        let stored = deliver(&delivery, MESSAGES).unwrap();
        assert_eq!(stored.positions, [0, 2]);
        assert_eq!(stored.refused.len(), 1);
        assert_eq!(stored.refused[0].ticket.position, 1);
        assert_eq!(stored.refused[0].for_now, !counts);
        assert_eq!(
            states(&delivery),
            [State::Stored, State::Pending, State::Stored]
        );
        // Refused once more, and then taken.
        assert_eq!(deliver_each(&delivery, [1]).unwrap().refused.len(), 1);
        assert_eq!(deliver_each(&delivery, [1]).unwrap().positions, [1]);
        assert_eq!(states(&delivery), [State::Stored; 3]);
        assert_eq!(files(&directory), contents("\n"));
        assert_eq!(messages_in_mbox(&directory), contents("\n"));
        assert_eq!(hands.taken(), contents("\r\n"));
    }
}

#[test]
fn other_content_under_the_same_key_goes_everywhere() {
    let directory = TempDir::new().unwrap();
    let (mut delivery, _claim) = delivery(&directory, &Arc::default());
    let hands = Hands::new(Some((1, Refusal::Message)), 1);
    delivery.targets.handovers.push(Box::new(hands.clone()));
    deliver_each(&delivery, [1]).unwrap();

    let partly = delivery.store.partly_delivered(delivery.account).unwrap();
    let mut recognition = Recognition::new(partly);
    let mut batch = Batch::default();
    let mut incoming = delivery.begin(&batch, ticket(1, &[])).unwrap();
    incoming.write(&mut b"other".to_vec()).unwrap();
    delivery
        .finish(&mut batch, incoming, &mut recognition)
        .unwrap();
    delivery.commit(batch, &mut Stored::default()).unwrap();
    assert_eq!(files(&directory), ["message 1\n", "other"]);
    assert_eq!(hands.taken(), ["other"]);
}

#[test]
fn a_target_that_takes_nothing_more_stops_the_run_and_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let (mut delivery, _claim) = delivery(&directory, &Arc::default());
    let hands = Hands::new(Some((1, Refusal::Everything)), 1);
    delivery.targets.handovers.push(Box::new(hands.clone()));
    deliver(&delivery, MESSAGES).unwrap_err();
    assert_eq!(
        states(&delivery),
        [State::Stored, State::Pending, State::Pending]
    );
    delivery.recover().unwrap();
    deliver_missing(&delivery, MESSAGES);
    assert_eq!(files(&directory), contents("\n"));
    assert_eq!(hands.taken(), contents("\r\n"));
}

#[test]
fn few_new_files_of_a_large_batch_are_made_durable() {
    let directory = TempDir::new().unwrap();
    let log = Arc::default();
    let (mut delivery, _claim) = delivery(&directory, &log);
    let hands = Hands::new(Some((0, Refusal::Everything)), 1);
    delivery.targets.handovers.push(Box::new(hands));
    deliver(&delivery, 10).unwrap_err();
    let before = log.steps().len();
    deliver(&delivery, 12).unwrap();
    let steps = log.steps().split_off(before);
    let position = |start| {
        steps
            .iter()
            .position(|step| step.starts_with(start))
            .unwrap()
    };
    assert!(position("sync everything") < position("state storing"));
    assert_eq!(files(&directory).len(), 12);
}

#[test]
fn what_recovery_finds_or_cuts_off_in_an_mbox_is_durable_before_the_state_says_so() {
    // Killed while writing, and between that and making it durable.
    for (step, expected) in [
        (
            3,
            &[
                "mark",
                "sync marker",
                "truncate",
                "sync mbox",
                "sync .",
                "state returned",
            ][..],
        ),
        (
            4,
            &[
                "mark",
                "sync marker",
                "append",
                "sync mbox",
                "sync .",
                "state reached stored",
            ],
        ),
    ] {
        let directory = TempDir::new().unwrap();
        let all = || vec![mbox(&directory)];
        let (killed, claim) = delivery_to(&directory, &Log::failing_at(step), all());
        deliver(&killed, 1).unwrap_err();
        drop((killed, claim));
        let log = Log::from_the_beginning();
        let (_restarted, _claim) = delivery_to(&directory, &log, all());
        let steps = log.steps();
        assert_eq!(steps.len(), expected.len(), "{steps:?}");
        for (step, expected) in steps.iter().zip(expected) {
            assert!(step.starts_with(expected), "{step}, not {expected}");
        }
    }
}

/// Messages that are whole behind a loss of power that made zeros of a part of the mbox, where all
/// were to be; and the state of each of them.
fn recovered_with_a_hole(hole: impl Fn(&[u8]) -> Range<usize>) -> Vec<State> {
    let directory = TempDir::new().unwrap();
    let all = || vec![mbox(&directory)];
    let (killed, claim) = delivery_to(&directory, &Log::failing_at(4), all());
    deliver(&killed, MESSAGES).unwrap_err();
    drop((killed, claim));
    let path = directory.path().join("mbox");
    let mut content = fs::read(&path).unwrap();
    let hole = hole(&content);
    content[hole].fill(0);
    fs::write(&path, content).unwrap();

    let (restarted, _claim) = delivery_to(&directory, &Arc::default(), all());
    let recovered = states(&restarted);
    deliver_missing(&restarted, MESSAGES);
    assert_eq!(messages_in_mbox(&directory), contents("\n"));
    recovered
}

#[test]
fn a_hole_in_an_mbox_is_cut_off_with_what_is_behind_it() {
    let recovered = recovered_with_a_hole(|content| content.len() / 3..2 * content.len() / 3);
    assert_eq!(recovered, [State::Stored, State::Pending, State::Pending]);
}

#[test]
fn a_hole_in_a_separator_makes_it_nobody_elses() {
    let recovered = recovered_with_a_hole(|content| {
        let mut separators = memchr::memmem::find_iter(content, "From ");
        // From the time on, and nearly to the end of the line.
        let second = separators.nth(1).unwrap();
        second + 30..second + 42
    });
    assert_eq!(recovered, [State::Stored, State::Pending, State::Pending]);
}

//! `popfetch run`, started and stopped as a service manager does.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use poplib_sandbox::Mailbox;

use crate::support::{By, PASSWORD, Rig, USER, five, kill, names, wait_until};

/// A service, with its log in a file.
struct Service<'a> {
    rig: &'a Rig,
    child: Option<Child>,
}

impl<'a> Service<'a> {
    /// Starts it with the account of the rig in a configuration file.
    fn start(rig: &'a Rig, options: &[&str], adjust: impl FnOnce(&mut Command)) -> Self {
        configure(
            rig,
            &format!("maildir = \"{}\"", rig.path("mail").display()),
        );
        let mut command = rig.bare(&["run", "--config", "config.toml", "--interval", "1h"]);
        command
            .arg("--state")
            .arg(rig.path("state.db"))
            .args(options)
            .env("POPFETCH_PASSWORD", PASSWORD)
            .stdout(Stdio::null())
            .stderr(File::create(rig.path("log")).unwrap());
        adjust(&mut command);
        let child = Some(command.spawn().unwrap());
        Self { rig, child }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.rig.path("log")).unwrap()
    }

    #[track_caller]
    fn wait_for(&self, words: &str) {
        wait_until(words, || self.log().contains(words));
    }

    fn signal(&self, signal: &str) {
        kill(self.child.as_ref().unwrap(), signal);
    }

    fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().unwrap();
        child.try_wait().unwrap().is_some()
    }

    /// The status that it ends with.
    fn end(mut self) -> Option<i32> {
        self.child.take().unwrap().wait().unwrap().code()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        // A test that failed leaves nobody behind.
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn configure(rig: &Rig, setting: &str) {
    let url = rig.url(By::ImplicitTls);
    let ca = rig.path("ca.pem");
    let text = format!(
        "[account.{USER}]\nserver = \"{url}\"\nca_file = \"{}\"\n{setting}\n",
        ca.display()
    );
    fs::write(rig.path("config.toml"), text).unwrap();
}

#[test]
fn it_fetches_until_it_is_stopped_and_on_every_hangup() {
    let rig = Rig::five(&[]);
    let service = Service::start(&rig, &[], |_| {});
    service.wait_for("stored 5 messages");
    rig.sandbox.deliver(USER, "Subject: six\r\n\r\n").unwrap();
    service.signal("HUP");
    service.wait_for("stored 1 message");
    service.signal("TERM");
    let log = service.log();
    assert_eq!(service.end(), Some(0));
    assert_eq!(rig.delivered().len(), 6);
    // A file wants the time; each line begins with it.
    for line in log.lines() {
        let (time, _) = line.split_once(' ').unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{line}");
    }
    assert!(log.contains("popfetch: fetching from 1 account until it is stopped"));
}

#[test]
fn events_make_way_for_messages_that_go_to_standard_output() {
    let rig = Rig::five(&[]);
    let path = rig.path("out");
    let out = || fs::read_to_string(&path).unwrap();
    let service = Service::start(&rig, &["--json"], |command| {
        command.stdout(File::create(&path).unwrap());
    });
    wait_until("the first visit", || out().contains("\"event\":\"ended\""));
    configure(&rig, "stdout = true");
    rig.sandbox.deliver(USER, "Subject: six\r\n\r\n").unwrap();
    service.signal("HUP");
    service.wait_for("\"event\":\"stored\"");
    service.signal("TERM");
    assert_eq!(service.end(), Some(0));
    let out = out();
    let (_, messages) = out.split_once("\nFrom ").unwrap();
    assert!(
        messages.contains("\nSubject: six\n") && !messages.contains("\"event\""),
        "{messages}"
    );
}

#[test]
fn a_new_configuration_counts_and_a_broken_one_does_not() {
    let rig = Rig::five(&[]);
    let service = Service::start(&rig, &[], |_| {});
    service.wait_for("stored 5 messages");
    configure(&rig, "maildri = \"elsewhere\"");
    service.signal("HUP");
    service.wait_for("kept the old configuration: ");
    assert!(service.log().contains("maildri"), "{}", service.log());
    configure(
        &rig,
        &format!("maildir = \"{}\"", rig.path("other").display()),
    );
    rig.sandbox.deliver(USER, "Subject: six\r\n\r\n").unwrap();
    service.signal("HUP");
    service.wait_for("stored 1 message");
    assert_eq!(names(&rig.path("other/new")).len(), 1);
    service.signal("INT");
    assert_eq!(service.end(), Some(0));
}

#[test]
fn a_stop_delivers_what_is_whole_and_leaves_the_rest() {
    let rig = Rig::five(&["stall-in-body=3:60000@1"]);
    let service = Service::start(&rig, &[], |_| {});
    wait_until("the third message", || {
        names(&rig.path("mail/tmp")).len() == 3
    });
    service.signal("TERM");
    service.wait_for("stopping; finishing with 1 account");
    assert_eq!(service.end(), Some(0));
    assert_eq!(rig.delivered().len(), 2);
    assert_eq!(names(&rig.path("mail/tmp")), [""; 0]);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let rig = Rig::five(&["stall-in-body=3:60000@1"]);
    let mut service = Service::start(&rig, &[], |_| {});
    wait_until("the third message", || {
        names(&rig.path("mail/tmp")).len() == 3
    });
    service.signal("TERM");
    service.wait_for("stopping; ");
    // One that comes so soon is taken for the first.
    wait_until("the end", || {
        service.signal("TERM");
        service.has_ended()
    });
    assert_eq!(service.end(), Some(143));
    assert_eq!(names(&rig.path("mail/tmp")).len(), 3);
    rig.run(&[]).expect(0);
    rig.assert_five();
}

#[test]
fn programs_read_its_log_and_scrape_its_metrics() {
    let rig = Rig::new(Mailbox::messages(five()));
    let options = ["--log", "json", "--metrics", "127.0.0.1:0"];
    let service = Service::start(&rig, &options, |_| {});
    service.wait_for("\"event\":\"waiting\"");
    let events: Vec<serde_json::Value> = (service.log().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        events
            .iter()
            .all(|event| event["time"].as_str().unwrap().ends_with('Z'))
    );
    let order: Vec<&str> = (events.iter())
        .map(|event| event["event"].as_str().unwrap())
        .filter(|name| *name != "stored")
        .collect();
    let expected = [
        "metrics",
        "polling",
        "began",
        "connected",
        "planned",
        "finished",
        "ended",
        "waiting",
    ];
    assert_eq!(order, expected);

    let address = events[0]["address"].as_str().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    for line in [
        format!("popfetch_messages_fetched_total{{account=\"{USER}\"}} 5\n"),
        format!("popfetch_sessions_total{{account=\"{USER}\",result=\"ok\"}} 1\n"),
        format!("popfetch_in_flight{{account=\"{USER}\"}} 0\n"),
    ] {
        assert!(answer.contains(&line), "{answer}");
    }
    service.signal("TERM");
    assert_eq!(service.end(), Some(0));
}

#[test]
fn the_service_manager_hears_of_beginning_reload_and_end() {
    let rig = Rig::five(&[]);
    let path = rig.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let service = Service::start(&rig, &[], |command| {
        command
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "1000000");
    });
    let mut heard = Vec::new();
    let mut hear = |what: &str| {
        let mut datagram = [0; 512];
        while !heard.iter().any(|told: &String| told.contains(what)) {
            let octets = manager.recv(&mut datagram).unwrap();
            heard.push(String::from_utf8(datagram[..octets].to_vec()).unwrap());
        }
        heard.clear();
    };
    hear("READY=1\nSTATUS=1 account");
    hear("WATCHDOG=1");
    service.wait_for("stored 5 messages");
    service.signal("HUP");
    hear("RELOADING=1\nMONOTONIC_USEC=");
    hear("READY=1");
    service.signal("TERM");
    hear("STOPPING=1");
    assert_eq!(service.end(), Some(0));
}

#[test]
fn a_configuration_that_is_wrong_from_the_beginning_ends_it() {
    let rig = Rig::five(&[]);
    fs::write(rig.path("config.toml"), "[account.x]\nserver = 3\n").unwrap();
    let run = crate::support::ran(&mut rig.bare(&["run", "--config", "config.toml"]));
    let run = run.expect(78);
    assert!(run.err.contains("config.toml"), "{}", run.err);
}

//! Which account a command looks at.

use std::fs;

use crate::support::{By, PASSWORD, Rig, ran};

#[test]
fn accounts_go_by_their_names_in_the_configuration_file() {
    let rig = Rig::five(&[]);
    let section = format!(
        "server = \"{}\"\nca_file = \"ca.pem\"\nmaildir = \"mail\"\n",
        rig.url(By::ImplicitTls)
    );
    let mut file = format!("[account.work]\n{section}");
    let run = |arguments: &[&str]| {
        let mut command = rig.with_state(arguments);
        ran(command
            .args(["--config", "config.toml"])
            .env("POPFETCH_PASSWORD", PASSWORD))
    };
    fs::write(rig.path("config.toml"), &file).unwrap();
    run(&["sync"]).expect(0);
    for list in [&["list", "-q"][..], &["list", "-q", "work"]] {
        let listed = run(list).expect(0).out;
        assert_eq!(listed.matches(" stored ").count(), 5, "{listed}");
    }
    assert!(
        run(&["get", "1", "--account", "work"])
            .expect(0)
            .out
            .contains("plain")
    );
    for status in [&["status"][..], &["status", "work"]] {
        let told = run(status).expect(0).out;
        assert!(told.starts_with("work: stored 5 messages"), "{told}");
    }

    // Of several, one must be named.
    file.push_str(&format!("[account.home]\nuser = \"bob\"\n{section}"));
    fs::write(rig.path("config.toml"), &file).unwrap();
    let which = run(&["list"]).expect(64);
    assert_eq!(
        which.err,
        "error: which account?\n  hint: there are: work, home\n"
    );
    run(&["list", "work"]).expect(0);
    run(&["list", "nobody"]).expect(64);
}

//! Compares the public interface of the libraries with the snapshot kept of it, `<crate>.txt` beside this
//! package's manifest. A line that is gone or different breaks programs of users; a new one does not, unless
//! it says what a type is not: `impl !Send`.
//!
//! `interface` compares and `interface --write` renews the snapshot.

use std::collections::BTreeSet;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use public_api::{Builder, PublicApi};

const CRATES: [&str; 3] = ["poplib", "poplib-proto", "poplib-sandbox"];

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let outcome = match &arguments[..] {
        [] => compare_all(),
        [write] if write == "--write" => write_all(),
        _ => Err("usage: interface [--write]".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("interface: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare_all() -> Result<bool, Box<dyn Error>> {
    let mut is_same = true;
    for name in CRATES {
        let path = snapshot(name);
        let kept =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        is_same &= compare(name, &kept, &interface(name)?);
    }
    if !is_same {
        println!(
            "\nWhat is gone breaks programs of users: it needs a line in CHANGELOG.md that says what to do.\n\
             Then renew the snapshot with scripts/public-interface --write, and commit it with the change."
        );
    }
    Ok(is_same)
}

fn compare(name: &str, kept: &str, found: &str) -> bool {
    let kept_lines: BTreeSet<&str> = kept.lines().collect();
    let found_lines: BTreeSet<&str> = found.lines().collect();
    let gone: Vec<_> = kept_lines.difference(&found_lines).collect();
    let new: Vec<_> = found_lines.difference(&kept_lines).collect();
    println!(
        "{name}: {} lines, {} gone, {} new",
        found.lines().count(),
        gone.len(),
        new.len()
    );
    for line in &gone {
        println!("  gone: {line}");
    }
    for line in &new {
        println!("  new:  {line}");
    }
    gone.is_empty() && new.is_empty()
}

fn write_all() -> Result<bool, Box<dyn Error>> {
    for name in CRATES {
        let found = interface(name)?;
        fs::write(snapshot(name), &found)?;
        println!("{name}: {} lines", found.lines().count());
    }
    Ok(true)
}

fn snapshot(name: &str) -> PathBuf {
    here().join(name).with_extension("txt")
}

/// One line for each public item.
fn interface(name: &str) -> Result<String, Box<dyn Error>> {
    let target = target()?;
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "rustdoc",
            "--quiet",
            "--locked",
            "--lib",
            "--all-features",
            "--package",
            name,
        ])
        .arg("--target-dir")
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .env("RUSTDOC", here().join("rustdoc"))
        .current_dir(here().join("../.."))
        .status()?;
    if !status.success() {
        return Err(format!("cargo rustdoc failed for {name}").into());
    }
    let json = target
        .join("doc")
        .join(name.replace('-', "_"))
        .with_extension("json");
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .build()?;
    Ok(without_methods_of_traits(&api))
}

/// What a type has by its parts is left out, and what it lacks stays: `impl !Send`.
fn is_automatic(line: &str) -> bool {
    const TRAITS: [&str; 7] = [
        "marker::Freeze",
        "marker::Send",
        "marker::Sync",
        "marker::Unpin",
        "marker::UnsafeUnpin",
        "panic::unwind_safe::RefUnwindSafe",
        "panic::unwind_safe::UnwindSafe",
    ];
    let is_lacking = line.starts_with("impl !core::marker::S");
    !is_lacking && (TRAITS.iter()).any(|name| line.contains(&format!("core::{name} for ")))
}

/// An implementation of a trait is one line, and its types: the methods are the trait's.
fn without_methods_of_traits(api: &PublicApi) -> String {
    let mut text = String::new();
    let mut is_within = false;
    for item in api.items() {
        let line = item.to_string();
        let is_member = ["pub fn ", "pub const ", "pub type "]
            .iter()
            .any(|start| line.starts_with(start));
        if !is_member {
            is_within = line.starts_with("impl") && line.contains(" for ");
        }
        if is_automatic(&line) {
            continue;
        }
        if !is_within || !is_member || line.starts_with("pub type ") {
            text += &line;
            text += "\n";
        }
    }
    text
}

/// Where cargo has built this.
fn target() -> Result<PathBuf, Box<dyn Error>> {
    let program = env::current_exe()?;
    let target = program
        .ancestors()
        .nth(2)
        .ok_or("this program is in no target directory")?;
    Ok(target.to_owned())
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

//! `popfetch` as these tests run it: cargo builds no other package's programs for a test.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    popfetch::run(env::args_os())
}

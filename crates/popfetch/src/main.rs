//! The `popfetch` command; everything it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    popfetch::run(std::env::args_os())
}

//! What is made of the options' one definition: completions, manual pages, and `docs/popfetch.md`.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{self, Cli};
use crate::failure::{Failure, Status};
use crate::print::print;

#[cfg(test)]
mod reference;

/// `popfetch completions`.
pub(crate) fn completions(options: &cli::Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "popfetch", &mut script);
    print(&script)
}

/// `popfetch man`.
pub(crate) fn man(options: &cli::Man) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    match &options.out {
        Some(directory) => write_pages(&command, directory).map_err(|error| {
            let message = format!("could not write to {}: {error}", directory.display());
            Failure::new(Status::CannotCreate, message)
        }),
        None => {
            let mut page = Vec::new();
            Man::new(command)
                .render(&mut page)
                .map_err(|error| Failure::new(Status::InputOutput, error.to_string()))?;
            print(&page)
        }
    }
}

fn write_pages(command: &Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command.clone(), directory)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn every_command_has_a_manual_page() {
        let directory = TempDir::new().unwrap();
        let out = directory.path().join("man1");
        man(&cli::Man {
            out: Some(out.clone()),
        })
        .unwrap();
        for name in [
            "popfetch",
            "popfetch-sync",
            "popfetch-config-show",
            "popfetch-state-move",
        ] {
            let page = fs::read_to_string(out.join(format!("{name}.1"))).unwrap();
            assert!(page.contains(".SH NAME"), "{name}");
        }
    }

    #[test]
    fn every_shell_completes_every_option() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let shell = shell.parse().unwrap();
            let mut script = Vec::new();
            clap_complete::generate::<clap_complete::Shell, _>(
                shell,
                &mut Cli::command(),
                "popfetch",
                &mut script,
            );
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("skip-over"), "{shell}");
        }
    }
}

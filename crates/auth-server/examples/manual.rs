//! Writes the man pages of all commands, and completions for bash, zsh and fish, into a folder.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::Context;
use auth_server::command::tree;
use clap_complete::Shell;

fn main() -> anyhow::Result<()> {
    let folder = env::args_os().nth(1).context("name the folder to write to")?;
    let folder = PathBuf::from(folder);
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    clap_mangen::generate_to(tree(), &man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut tree(), "auth-server", &completions)?;
    }
    Ok(())
}

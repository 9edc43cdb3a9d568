//! The commands as a page in Markdown.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Arg, Command};

const HEAD: &str = "# Commands\n\n<!-- Written by `cargo xtask book` from the commands themselves: change their help. -->\n\n\
    `auth-server COMMAND --help` prints the same. Man pages and completions are in the packages.\n";

/// The page.
pub(crate) fn page(mut tree: Command) -> String {
    tree.build();
    let mut page = HEAD.to_owned();
    for command in commands(&tree) {
        write_command(&mut page, command, 2);
    }
    // No line ends with a blank.
    page.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The commands below a command, without `help`.
fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

fn write_command(page: &mut String, command: &Command, depth: usize) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let usage = command.clone().render_usage().to_string();
    let _ = write!(
        page,
        "\n{} {name}\n\n{}\n",
        "#".repeat(depth),
        help(command.get_long_about().or(command.get_about()))
    );
    let _ = write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: "));
    let arguments: Vec<&Arg> = command.get_arguments().filter(|argument| is_own(argument)).collect();
    if !arguments.is_empty() {
        page.push_str("\n| argument | meaning |\n| --- | --- |\n");
    }
    for argument in arguments {
        let _ = writeln!(page, "| `{}` | {} |", cell(&argument.to_string()), cell(&meaning(argument)));
    }
    if let Some(after) = command.get_after_help() {
        let _ = write!(page, "\n```text\n{}\n```\n", after.to_string().trim_end());
    }
    for below in commands(command) {
        write_command(page, below, depth + 1);
    }
}

/// Whether an argument is one of this command alone.
fn is_own(argument: &Arg) -> bool {
    !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
}

/// What an argument means, with its default, its values and its variable.
fn meaning(argument: &Arg) -> String {
    let mut meaning = help(argument.get_long_help().or(argument.get_help()));
    if argument.get_num_args().is_some_and(|count| count.takes_values()) {
        let default: Vec<String> =
            argument.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
        if !default.is_empty() {
            let _ = write!(meaning, " Default: {}.", default.join(", "));
        }
        let values: Vec<String> =
            argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if !values.is_empty() {
            let _ = write!(meaning, " One of {}.", values.join(", "));
        }
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(meaning, " Variable: `{}`.", variable.display());
    }
    meaning.trim().to_owned()
}

/// A text of help as a sentence: clap takes the full stop away.
fn help(text: Option<&StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    let text = text.trim().replace('<', "&lt;");
    if text.is_empty() || text.ends_with(['.', ':', '!', '?']) { text } else { format!("{text}.") }
}

/// A text within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

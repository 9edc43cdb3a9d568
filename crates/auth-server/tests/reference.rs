//! docs/commands.md is what the commands say of themselves.

#[path = "../examples/reference/markdown.rs"]
mod markdown;

#[test]
fn the_page_of_commands_is_written_from_the_commands() {
    let page = include_str!("../../../docs/commands.md");
    let written = markdown::page(auth_server::command::tree());
    assert!(page == written, "docs/commands.md is not what `cargo xtask book` writes");
}

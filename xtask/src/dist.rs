//! The packages: a program for glibc 2.31 and later, the Debian package, a tarball and an image of it, with man pages,
//! completions, the licences of what is in it, a bill of materials, and checksums.
//!
//! The same source gives the same bytes: no path of the machine and no time but that of the commit is in them.

mod configurations;
mod files;
mod image;
mod notices;
mod program;
mod release;
mod trial;

use anyhow::{Result, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use crate::kits;
use crate::progress::{say, step};
use crate::tools::{self, CargoTool};

use release::Release;

/// Makes the Debian package.
const DEB: CargoTool =
    CargoTool { package: "cargo-deb", program: "cargo-deb", version: "3.8.0", options: &[] };

/// Which packages are made, and what is tried with them.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Also try the packages: install, upgrade, remove and purge the Debian package in a Debian root under systemd, run the
    /// image in a root of its own, and have the configurations of containers read by their programs.
    #[arg(long)]
    pub(crate) trial: bool,
    /// Also build everything again from a copy of the source in another folder, and compare the bytes.
    #[arg(long)]
    pub(crate) twice: bool,
}

/// Makes the packages in `target/dist`.
///
/// # Errors
/// When a program is missing and can't be installed, a package can't be made, or a trial of one fails.
pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    make(sh)?;
    if arguments.trial {
        configurations::check(sh)?;
        trial::debian(sh)?;
        trial::image(sh)?;
    }
    if arguments.twice {
        twice(sh)?;
    }
    say("packages are in target/dist");
    Ok(())
}

fn make(sh: &Shell) -> Result<()> {
    tools::ensure(sh, tools::FOR_PACKAGES)?;
    let release = Release::of(sh)?;
    let _epoch = sh.push_env("SOURCE_DATE_EPOCH", &release.epoch);
    step("the program");
    let program = program::build(sh)?;
    step("man pages, completions, notices and the bill of materials");
    let parts = sh.current_dir().join("target/dist-parts");
    sh.remove_path(&parts)?;
    sh.create_dir(&parts)?;
    cmd!(sh, "cargo run --locked --quiet --package auth-server --example manual -- {parts}").run()?;
    notices::write(sh, &parts)?;
    sh.copy_file(&program, parts.join("auth-server"))?;
    let dist = sh.current_dir().join("target/dist");
    sh.remove_path(&dist)?;
    sh.create_dir(&dist)?;
    step("the Debian package");
    let deb = tools::cargo_tool(sh, DEB)?;
    cmd!(
        sh,
        "{deb} deb --no-build --no-strip --compress-system --quiet --package auth-server --output {dist}/"
    )
    .run()?;
    step("the tarball");
    files::tarball(sh, &release, &parts, &dist)?;
    step("the image");
    image::write(sh, &release, &dist)?;
    step("the packages of the kits");
    kits::dist(sh, &program)?;
    sh.copy_file(parts.join("sbom.cdx.json"), dist.join(format!("{}.cdx.json", release.name())))?;
    let _folder = sh.push_dir(&dist);
    let sums = cmd!(sh, "sh -c 'find * -type f | LC_ALL=C sort | xargs -d \"\\n\" sha256sum --'").read()?;
    sh.write_file("SHA256SUMS", format!("{sums}\n"))?;
    say(&sums);
    Ok(())
}

/// Builds all again in another folder, and compares.
fn twice(sh: &Shell) -> Result<()> {
    step("everything again, from a copy of the source");
    let first = sh.read_file("target/dist/SHA256SUMS")?;
    let copy = sh.create_temp_dir()?;
    let folder = copy.path().join("source-of-another-name");
    let own = sh.current_dir().join("target/tools");
    cmd!(sh, "git worktree add --detach {folder}").run()?;
    let second = {
        let _folder = sh.push_dir(&folder);
        // The tools are the same; what is built is not.
        sh.create_dir("target")?;
        let tools = sh.current_dir().join("target/tools");
        cmd!(sh, "ln -s {own} {tools}").run()?;
        let made = make(sh);
        let sums = sh.read_file("target/dist/SHA256SUMS");
        made.and(Ok(sums?))
    };
    cmd!(sh, "git worktree remove --force {folder}").run()?;
    ensure!(second? == first, "a build in another folder gives other bytes");
    say("a build in another folder gives the same bytes");
    Ok(())
}

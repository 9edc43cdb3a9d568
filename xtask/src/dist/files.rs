//! Archives that are the same for the same files.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::release::Release;

/// What goes into the tarball besides what was built: the file or folder in the source, and its place.
const FROM_SOURCE: &[(&str, &str)] = &[
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("SECURITY.md", "SECURITY.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("deploy", "deploy"),
    ("docs", "docs"),
];

/// Packs what was built and what explains it.
pub(super) fn tarball(sh: &Shell, release: &Release, parts: &Path, dist: &Path) -> Result<()> {
    let temporary = sh.create_temp_dir()?;
    let name = release.name();
    let root = sh.create_dir(temporary.path().join(&name))?;
    for entry in sh.read_dir(parts)? {
        cmd!(sh, "cp -r {entry} {root}/").run()?;
    }
    for (from, to) in FROM_SOURCE {
        // What git doesn't know is nobody's.
        let files = cmd!(sh, "git ls-files -- {from}").quiet().read()?;
        for file in files.lines() {
            let place =
                root.join(to).join(file.strip_prefix(from).unwrap_or_default().trim_start_matches('/'));
            if let Some(folder) = place.parent() {
                sh.create_dir(folder)?;
            }
            let place = place.display().to_string();
            let place = place.trim_end_matches('/');
            cmd!(sh, "cp {file} {place}").run()?;
        }
    }
    archive(sh, release, temporary.path(), &name, &dist.join(format!("{name}.tar")))?;
    let tar = dist.join(format!("{name}.tar"));
    cmd!(sh, "gzip --no-name --best {tar}").run()?;
    Ok(())
}

/// Packs a name in a folder: its files in the order of their names, owned by root, of the time of the release.
pub(super) fn archive(sh: &Shell, release: &Release, folder: &Path, name: &str, to: &Path) -> Result<()> {
    let epoch = &release.epoch;
    cmd!(
        sh,
        "tar --create --file {to} --directory {folder} --sort=name --mtime=@{epoch} --owner=0 --group=0 --numeric-owner --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --mode=u+rw,go+r-w,a+X {name}"
    )
    .run()?;
    Ok(())
}

//! Errors of the system in words for the operator: the reason, and whose file it is where access is denied.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The files that name the users of this machine.
const USERS: &str = "/etc/passwd";

/// The message of an I/O error, without the system's error number.
pub(crate) fn plain_io(error: &Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(plain, _)| plain.to_owned())
}

/// Why a file can't be opened, created or replaced, by the error of the attempt: the system's reason, and what is to blame
/// for it. That is a folder that isn't there, or the owner and the mode of the file or of its folder.
pub(crate) fn file_reason(path: &Path, error: &Error) -> String {
    let plain = plain_io(error);
    match error.kind() {
        ErrorKind::NotFound => match missing_folder(path) {
            Some(folder) => format!("{plain}: there is no folder {}", folder.display()),
            None => plain,
        },
        ErrorKind::PermissionDenied => match barrier(path) {
            Some((barrier, file)) => format!(
                "{plain}: {} belongs to {} and has mode {:04o}, and this process runs as {}",
                barrier.display(),
                user_name(file.uid()),
                file.mode() & 0o7777,
                user_name(rustix::process::geteuid().as_raw())
            ),
            None => plain,
        },
        _ => plain,
    }
}

/// The folder that a path is in; `.` for a name alone.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The folder of a path, if it isn't there.
fn missing_folder(path: &Path) -> Option<&Path> {
    let folder = folder_of(path);
    let metadata = std::fs::metadata(folder);
    metadata.is_err_and(|error| error.kind() == ErrorKind::NotFound).then_some(folder)
}

/// The file, or else the innermost folder around it, that can be looked at: what is inside it can't be.
fn barrier(path: &Path) -> Option<(PathBuf, std::fs::Metadata)> {
    let here = [Path::new(".")];
    let ancestors = path.ancestors().filter(|path| !path.as_os_str().is_empty()).chain(here);
    ancestors.into_iter().find_map(|path| Some((path.to_owned(), std::fs::metadata(path).ok()?)))
}

/// The name of a user, or the number where it has none.
fn user_name(id: u32) -> String {
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("user {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_and_the_owner_and_mode_that_deny_access_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("there"), "").unwrap();
        let none = Error::from_raw_os_error(2);
        assert_eq!(file_reason(&at("gone"), &none), "No such file or directory");
        let deeper = file_reason(&at("no/such/file"), &none);
        assert_eq!(
            deeper,
            format!("No such file or directory: there is no folder {}", at("no/such").display())
        );

        let denied = Error::from_raw_os_error(13);
        let me = user_name(rustix::process::geteuid().as_raw());
        let mode_of = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
        for (name, barrier) in [("there", at("there")), ("new", folder.path().to_owned())] {
            let mode = mode_of(&barrier);
            let expected = format!(
                "Permission denied: {} belongs to {me} and has mode {mode:04o}, and this process runs as {me}",
                barrier.display()
            );
            assert_eq!(file_reason(&at(name), &denied), expected, "{name}");
        }
        assert_eq!(file_reason(&at("there"), &Error::from_raw_os_error(30)), "Read-only file system");
        assert_eq!(user_name(0), "root");
        assert_eq!(user_name(4_000_000_123), "user 4000000123");
    }
}

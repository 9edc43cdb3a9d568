//! Who may read a file with secrets.
//!
//! | the file lies | modes that are accepted | who gives them |
//! | --- | --- | --- |
//! | in `$CREDENTIALS_DIRECTORY` | nothing for others, and no writing for the group | systemd: 0400, or 0440 with an access list |
//! | directly in `/run/secrets` | no writing for group and others | Docker: 0444 |
//! | anywhere else, and belongs to root | nothing for others, and no writing for the group | Kubernetes and packages: 0440, 0640 |
//! | anywhere else | nothing for group and others | 0600, 0400 |
//!
//! Symbolic links are followed first: a file is judged where it lies.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::environment;

/// The folder of Docker's secrets, which exists in containers alone.
const DOCKER_SECRETS: &str = "/run/secrets";

/// All access of group and others.
const GROUP_AND_OTHERS: u32 = 0o077;

/// Writing and executing by the group, and all access of others.
const BUT_READING_BY_GROUP: u32 = 0o037;

/// Writing by group and others.
const WRITING: u32 = 0o022;

/// Whether nobody may read or change an open file who should not. `path` is its path, as it was opened.
///
/// # Errors
/// The system's error when the path can't be resolved.
pub(crate) fn is_private(path: &Path, file: &Metadata) -> std::io::Result<bool> {
    let real = path.canonicalize()?;
    let credentials = environment::credentials_folder().and_then(|folder| folder.canonicalize().ok());
    let forbidden = forbidden_bits(real.parent(), credentials.as_deref(), file.uid());
    Ok(file.mode() & forbidden == 0)
}

/// The bits that a file's mode must not have, by its folder, the folder of systemd's credentials, and its owner.
fn forbidden_bits(folder: Option<&Path>, credentials: Option<&Path>, owner: u32) -> u32 {
    if folder == Some(Path::new(DOCKER_SECRETS)) {
        WRITING
    } else if owner == 0 || (folder.is_some() && folder == credentials) {
        BUT_READING_BY_GROUP
    } else {
        GROUP_AND_OTHERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_private_in_the_modes_of_systemd_kubernetes_and_docker_and_others_are_not() {
        const SYSTEMD: &str = "/run/credentials/auth.service";
        for (folder, owner, mode, accepted) in [
            ("/etc/auth", 1000, 0o600, true),
            ("/etc/auth", 1000, 0o400, true),
            ("/etc/auth", 1000, 0o640, false),
            ("/etc/auth", 1000, 0o440, false),
            ("/etc/auth", 1000, 0o604, false),
            ("/etc/auth", 1000, 0o644, false),
            ("/etc/auth", 0, 0o600, true),
            ("/etc/auth", 0, 0o640, true),
            ("/etc/auth", 0, 0o440, true),
            ("/etc/auth", 0, 0o660, false),
            ("/etc/auth", 0, 0o444, false),
            ("/etc/auth", 0, 0o644, false),
            ("/etc/auth/..2026_01_01", 0, 0o440, true),
            (SYSTEMD, 1000, 0o400, true),
            (SYSTEMD, 1000, 0o440, true),
            (SYSTEMD, 0, 0o440, true),
            (SYSTEMD, 0, 0o444, false),
            ("/run/credentials/other.service", 1000, 0o440, false),
            ("/run/secrets", 0, 0o444, true),
            ("/run/secrets", 1000, 0o644, true),
            ("/run/secrets", 0, 0o664, false),
            ("/run/secrets", 0, 0o446, false),
            ("/run/secrets/deeper", 1000, 0o444, false),
        ] {
            let forbidden = forbidden_bits(Some(Path::new(folder)), Some(Path::new(SYSTEMD)), owner);
            assert_eq!(mode & forbidden == 0, accepted, "{folder} {owner} {mode:o}");
        }
        let without = forbidden_bits(Some(Path::new("/etc/auth")), None, 1000);
        assert_eq!(without, GROUP_AND_OTHERS);
    }
}

//! Who is at the other end of a socket of this machine.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use auth_admin::operation::{Operator, Scope};
use auth_core::Actor;
use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};
use tokio::net::UnixStream;

use crate::config::GroupScope;

/// The bits of a mode that let others than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// As whom the client of a socket may act; `None` for somebody who may do nothing.
///
/// It may wait for the system's list of users.
pub(super) fn operator_of(user: u32, group: u32, scopes: &BTreeMap<String, GroupScope>) -> Option<Operator> {
    let name = User::from_uid(Uid::from_raw(user)).ok().flatten().map(|user| user.name);
    let actor = Actor::UnixUser(name.clone().unwrap_or_else(|| user.to_string()));
    if user == 0 || user == geteuid().as_raw() {
        return Some(Operator::owner(actor));
    }
    let groups = match name.and_then(|name| CString::new(name).ok()) {
        Some(name) => getgrouplist(&name, Gid::from_raw(group)).unwrap_or_default(),
        None => vec![Gid::from_raw(group)],
    };
    let scope: Option<Scope> = scopes
        .iter()
        .filter(|(name, _)| {
            let group = Group::from_name(name).ok().flatten();
            group.is_some_and(|group| groups.contains(&group.gid))
        })
        .map(|(_, scope)| scope.0)
        .max();
    Some(Operator::scoped(actor, scope?, None))
}

/// Whether the server at a socket is one to which a command tells passwords: root's, the command's own user's, or that of
/// whoever owns the socket's folder, where nobody else can have put it there.
pub(super) fn is_trusted(stream: &UnixStream, path: &Path) -> bool {
    let Ok(peer) = stream.peer_cred() else { return false };
    let own = geteuid().as_raw();
    let owner = path.parent().and_then(|folder| owner_of_guarded(folder, own));
    peer.uid() == 0 || peer.uid() == own || owner == Some(peer.uid())
}

/// The owner of a folder, above which only root and the command's own user can change anything; `None` for any other.
fn owner_of_guarded(folder: &Path, own: u32) -> Option<u32> {
    let folder = folder.canonicalize().ok()?;
    let is_guarded = |above: &Path| {
        let found = above.metadata();
        found.is_ok_and(|found| [0, own].contains(&found.uid()) && !others_write(&found))
    };
    let found = folder.metadata().ok()?;
    (!others_write(&found) && folder.ancestors().skip(1).all(is_guarded)).then(|| found.uid())
}

fn others_write(found: &Metadata) -> bool {
    found.mode() & WRITABLE_BY_OTHERS != 0
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn root_and_the_own_user_may_do_everything_and_others_what_their_groups_may() {
        let none = BTreeMap::new();
        let own = geteuid().as_raw();
        for user in [0, own] {
            let name = User::from_uid(Uid::from_raw(user)).unwrap().unwrap().name;
            assert_eq!(operator_of(user, 0, &none), Some(Operator::owner(Actor::UnixUser(name))));
        }
        let stranger = 64_999;
        assert_eq!(operator_of(stranger, 64_999, &none), None);
        let root = Group::from_gid(Gid::from_raw(0)).unwrap().unwrap().name;
        let scopes = BTreeMap::from([
            (root, GroupScope(Scope::Helpdesk)),
            ("no-group-of-this-machine".to_owned(), GroupScope(Scope::Admin)),
        ]);
        let helpdesk = Operator::scoped(Actor::UnixUser(stranger.to_string()), Scope::Helpdesk, None);
        assert_eq!(operator_of(stranger, 0, &scopes), Some(helpdesk));
        assert_eq!(operator_of(stranger, 64_999, &scopes), None);
    }

    #[test]
    fn a_folder_into_which_others_can_write_vouches_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let own = geteuid().as_raw();
        let inner = folder.path().join("run");
        fs::create_dir(&inner).unwrap();
        // The folder of temporary files, which is above, can be written by all.
        assert_eq!(owner_of_guarded(&inner, own), None);
        assert_eq!(owner_of_guarded(Path::new("/"), own), Some(0));
        assert_eq!(owner_of_guarded(Path::new("/no/such/folder"), own), None);
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(others_write(&inner.metadata().unwrap()));
    }
}

//! Realms that operators name by their slug: a mistyped one makes no realm.

use crate::workspace::{Workspace, arguments, text};

/// A user whom an htpasswd file names.
const HTPASSWD: &str = "ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";

#[test]
fn a_mistyped_realm_is_refused_with_the_realms_that_there_are() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    workspace.write("htpasswd", HTPASSWD);
    let none = "there is no realm `main2`: there is `main`";
    for line in ["user list --realm main2", "user show iago --realm main2", "ldap sync --realm main2"] {
        assert_eq!(workspace.fail(&arguments(line), ""), none, "{line}");
    }
    for line in ["user add --realm main2 --name ada", "import --from htpasswd --realm main2 htpasswd"] {
        let told = workspace.fail(&arguments(line), "tractor-violin-1234\n");
        assert_eq!(told, format!("{none}; --create-realm creates it"), "{line}");
    }
    assert_eq!(workspace.succeed(&arguments("user list"), "").lines().count(), 1);

    let added = workspace
        .run(&arguments("user add --realm second --create-realm --name ada"), "tractor-violin-1234\n");
    assert_eq!(
        (text(&added.stdout).as_str(), text(&added.stderr).as_str()),
        ("added\n", "the realm `second` is new\n")
    );
    let several = workspace.fail(&arguments("user list --realm third"), "");
    assert_eq!(several, "there is no realm `third`: there are `main`, `second`");
}

#[test]
fn the_first_realm_and_one_that_the_configuration_names_are_created_and_said_to_be_new() {
    let workspace = Workspace::new();
    workspace.write("empty.jsonl", "");
    workspace.write("htpasswd", HTPASSWD);
    workspace.configure("[zettelstore]\nrealm = \"notes\"");
    workspace.succeed(&arguments("import empty.jsonl"), "");
    let first = workspace.run(&arguments("user add --realm first --name ada"), "tractor-violin-1234\n");
    assert_eq!(text(&first.stderr), "the realm `first` is new\n");
    let named = workspace.run(&arguments("import --from htpasswd --realm notes htpasswd"), "");
    assert_eq!(text(&named.stderr), "the realm `notes` is new\n");
    assert_eq!(text(&named.stdout), "imported: 1 realms, 1 users\n");
}

//! Arrows between crates: what each may be linked with.

use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata};

/// The arrows of one crate.
struct Arrows {
    name: &'static str,
    /// What the crate may be linked with.
    linked: &'static [&'static str],
    /// What its tests may use besides.
    tested: &'static [&'static str],
}

/// The arrows of ARCHITECTURE.md. A crate that is named here may be absent.
const ARROWS: &[Arrows] = &[
    Arrows { name: "auth-core", linked: &[], tested: &[] },
    Arrows { name: "auth-argon2", linked: &[], tested: &[] },
    Arrows { name: "auth-crypto", linked: &["auth-core", "auth-argon2"], tested: &[] },
    Arrows {
        name: "auth-engine",
        linked: &["auth-core", "auth-crypto"],
        tested: &["auth-store", "auth-transfer", "test-postgres"],
    },
    Arrows {
        name: "auth-admin",
        linked: &["auth-core", "auth-crypto", "auth-engine"],
        tested: &["auth-store", "auth-transfer", "test-postgres"],
    },
    Arrows {
        name: "auth-admin-api",
        linked: &["auth-admin", "auth-core", "auth-engine"],
        tested: &["auth-store", "auth-transfer", "test-postgres"],
    },
    Arrows {
        name: "auth-scim",
        linked: &["auth-admin", "auth-admin-api", "auth-core"],
        tested: &["auth-engine", "auth-store", "auth-transfer", "test-postgres"],
    },
    Arrows {
        name: "auth-transfer",
        linked: &["auth-core", "auth-crypto", "auth-engine"],
        tested: &["auth-admin", "auth-store", "test-postgres"],
    },
    Arrows { name: "auth-outbound", linked: &[], tested: &[] },
    Arrows {
        name: "auth-store",
        linked: &["auth-core", "auth-outbound"],
        tested: &["auth-store-battery", "test-postgres"],
    },
    Arrows { name: "auth-store-battery", linked: &["auth-core"], tested: &[] },
    Arrows { name: "auth-ldap", linked: &["auth-core", "auth-outbound"], tested: &["auth-conformance"] },
    Arrows { name: "auth-pages", linked: &["auth-core"], tested: &[] },
    Arrows { name: "auth-proto-forward", linked: &["auth-core"], tested: &[] },
    Arrows { name: "auth-proto-zulip", linked: &["auth-core", "auth-pages"], tested: &[] },
    Arrows { name: "auth-proto-rocketchat", linked: &["auth-core"], tested: &[] },
    Arrows { name: "auth-proto-web", linked: &["auth-core", "auth-pages"], tested: &[] },
    Arrows { name: "auth-proto-zettelstore", linked: &["auth-core"], tested: &[] },
    Arrows {
        name: "auth-tower",
        linked: &["auth-core", "auth-proto-forward"],
        tested: &["auth-engine", "auth-proto-rocketchat", "auth-store"],
    },
    Arrows {
        name: "auth-server",
        linked: &[
            "auth-admin",
            "auth-admin-api",
            "auth-core",
            "auth-crypto",
            "auth-engine",
            "auth-ldap",
            "auth-outbound",
            "auth-proto-forward",
            "auth-proto-rocketchat",
            "auth-proto-web",
            "auth-proto-zettelstore",
            "auth-proto-zulip",
            "auth-scim",
            "auth-store",
            "auth-tower",
            "auth-transfer",
        ],
        tested: &["auth-conformance", "test-postgres"],
    },
    Arrows { name: "auth-conformance", linked: &["test-postgres"], tested: &[] },
    Arrows { name: "test-postgres", linked: &[], tested: &[] },
    Arrows { name: "xtask", linked: &[], tested: &[] },
    Arrows {
        name: "benches",
        linked: &[
            "auth-argon2",
            "auth-conformance",
            "auth-core",
            "auth-crypto",
            "auth-engine",
            "auth-proto-rocketchat",
            "auth-proto-zettelstore",
            "auth-proto-zulip",
            "auth-server",
            "auth-store",
            "auth-transfer",
            "test-postgres",
        ],
        tested: &["auth-argon2", "auth-core", "auth-crypto", "auth-engine", "auth-store"],
    },
];

/// What the crates in `examples/` may not be linked with, since no crate outside can be: crates that are not published. Their
/// tests may use any crate.
const UNPUBLISHED: &[&str] = &["auth-conformance", "benches", "test-postgres", "xtask"];

/// Dependencies between crates of the workspace in `root` that no arrow allows.
pub(super) fn findings(root: &Path, metadata: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let example = package.manifest_path.as_std_path().starts_with(root.join("examples"));
        if !example && !ARROWS.iter().any(|arrows| arrows.name == name) {
            found.push(format!("{name}: say in xtask/src/tidy/arrows.rs what it may depend on"));
            continue;
        }
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let target = dependency.name.as_str();
            let for_tests = dependency.kind == DependencyKind::Development;
            let allowed =
                if example { allows_example(target, for_tests) } else { allows(name, target, for_tests) };
            if !allowed {
                found.push(format!("{name}: must not depend on {target}"));
            }
        }
    }
    found
}

fn allows(name: &str, target: &str, for_tests: bool) -> bool {
    ARROWS.iter().filter(|arrows| arrows.name == name).any(|arrows| {
        // A crate's tests may ask for the crate itself, with other features.
        arrows.linked.contains(&target) || for_tests && (arrows.tested.contains(&target) || target == name)
    })
}

fn allows_example(target: &str, for_tests: bool) -> bool {
    for_tests || !UNPUBLISHED.contains(&target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_run_one_way() {
        assert!(allows("auth-engine", "auth-core", false));
        assert!(!allows("auth-core", "auth-engine", false));
        assert!(!allows("auth-core", "auth-engine", true));
        for Arrows { name, linked, .. } in ARROWS {
            for target in *linked {
                assert!(!reaches(target, name), "{name} -> {target} -> {name}");
            }
        }
    }

    #[test]
    fn tests_may_use_more() {
        assert!(!allows("auth-engine", "auth-store", false));
        assert!(allows("auth-engine", "auth-store", true));
        assert!(allows("auth-core", "auth-core", true), "itself, with other features");
        assert!(!allows("auth-core", "auth-core", false));
    }

    #[test]
    fn the_admin_and_transfer_crates_stand_between_engine_and_server() {
        for name in ["auth-admin", "auth-transfer"] {
            for target in ["auth-core", "auth-crypto", "auth-engine"] {
                assert!(allows(name, target, false), "{name} -> {target}");
            }
            assert!(!allows(name, "auth-store", false), "{name}");
            assert!(allows("auth-server", name, false), "{name}");
            assert!(!allows("auth-engine", name, false), "{name}");
        }
        assert!(allows("auth-engine", "auth-transfer", true), "tests import their users");
    }

    #[test]
    fn examples_are_linked_as_crates_outside_are() {
        assert!(allows_example("auth-engine", false));
        assert!(!allows_example("auth-conformance", false));
        assert!(allows_example("auth-conformance", true));
    }

    fn reaches(from: &str, to: &str) -> bool {
        from == to
            || ARROWS
                .iter()
                .filter(|arrows| arrows.name == from)
                .flat_map(|arrows| arrows.linked)
                .any(|next| reaches(next, to))
    }
}

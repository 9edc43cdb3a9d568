//! Secrets that git must not track: key rings and private keys.

/// Files that may hold a secret or look as if they did, each with its reason.
const ALLOWED: &[(&str, &str)] =
    &[("fuzz/corpus/rocketchat_ddp/id_ill_typed", "a message whose `id` has the wrong type")];

/// What is wrong with the tracked files, whose content `read` gives.
pub(super) fn findings(tracked: &[String], read: &dyn Fn(&str) -> Vec<u8>) -> Vec<String> {
    judged(tracked, read, ALLOWED)
}

fn judged(tracked: &[String], read: &dyn Fn(&str) -> Vec<u8>, allowed: &[(&str, &str)]) -> Vec<String> {
    let secrets: Vec<(&str, &str)> =
        tracked.iter().filter_map(|file| Some((file.as_str(), secret(file, &read(file))?))).collect();
    let is_allowed = |file: &str| allowed.iter().any(|(known, _)| *known == file);
    let refused = secrets.iter().filter(|(file, _)| !is_allowed(file));
    let mut found: Vec<String> = refused
        .map(|(file, what)| format!("{file}: {what}: remove it from git, and replace the secret"))
        .collect();
    let stale = allowed.iter().filter(|(file, _)| !secrets.iter().any(|(known, _)| known == file));
    found
        .extend(stale.map(|(file, _)| {
            format!("{file}: no secret: take it off the list in xtask/src/tidy/secrets.rs")
        }));
    found
}

/// Which secret a file is or holds.
fn secret(file: &str, content: &[u8]) -> Option<&'static str> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let content = String::from_utf8_lossy(content);
    if name == "keys.toml" {
        Some("a key ring")
    } else if name.ends_with(".key") || name.starts_with("id_") && !name.contains('.') {
        Some("a file named as private keys are")
    } else if content.lines().any(is_key_of_ring) {
        Some("a key of a key ring")
    } else if has_private_key(&content) {
        Some("a private key")
    } else {
        None
    }
}

/// Whether a line is `secret = "<64 hexadecimal digits>"`.
fn is_key_of_ring(line: &str) -> bool {
    let value = line.trim().strip_prefix("secret").and_then(|rest| rest.trim_start().strip_prefix('='));
    let Some(value) = value.map(str::trim_start) else { return false };
    ['"', '\''].into_iter().any(|quote| {
        let digits =
            value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)).map(|(digits, _)| digits);
        digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

/// Whether a text has the first line of a PEM private key, with at least one line of it.
fn has_private_key(text: &str) -> bool {
    let (begin, end) = (concat!("-----BE", "GIN "), "PRIVATE KEY-----");
    let mut lines =
        text.lines().map(str::trim).skip_while(|line| !(line.starts_with(begin) && line.ends_with(end)));
    lines.next().is_some() && lines.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = concat!("-----BE", "GIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n");

    fn check(files: &[(&str, &str)], allowed: &[(&str, &str)]) -> Vec<String> {
        let tracked: Vec<String> = files.iter().map(|(file, _)| (*file).to_owned()).collect();
        let read = |file: &str| {
            let content = files.iter().find(|(known, _)| *known == file);
            content.map(|(_, content)| content.as_bytes().to_vec()).unwrap_or_default()
        };
        judged(&tracked, &read, allowed)
    }

    #[test]
    fn names_of_keys_are_refused() {
        for file in ["keys.toml", "a/b/keys.toml", "tls/server.key", ".ssh/id_ed25519", "id_rsa"] {
            assert_eq!(check(&[(file, "")], &[]).len(), 1, "{file}");
        }
        for file in ["docs/keys.md", "src/keys.rs", "src/id_map.rs", "id_rsa.pub", "keys.toml.md", "monkey"] {
            assert_eq!(check(&[(file, "")], &[]), Vec::<String>::new(), "{file}");
        }
    }

    #[test]
    fn keys_of_a_ring_are_refused_by_their_line() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        for line in [
            format!("secret = \"{digits}\""),
            format!("  secret='{digits}' # one"),
            format!("[[key]]\nsecret=\"{digits}\""),
        ] {
            assert_eq!(check(&[("a.toml", &line)], &[]).len(), 1, "{line}");
        }
        let short = digits.split_at(62).0;
        for line in [
            format!("secret = \"{short}\""),
            format!("secret = \"{digits}00\""),
            format!("secret_file = \"{digits}\""),
            format!("digest = \"{digits}\""),
            format!("secret = \"{short}zz\""),
        ] {
            assert_eq!(check(&[("a.toml", &line)], &[]), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn private_keys_are_refused_by_their_content() {
        assert_eq!(check(&[("tls/server.pem", PEM)], &[]).len(), 1);
        assert_eq!(check(&[("notes.md", &format!("see:\n\n  {PEM}"))], &[]).len(), 1);
        assert_eq!(check(&[("a.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n")], &[]), Vec::<String>::new());
        let mention = concat!("a file that begins with `-----BE", "GIN PRIVATE KEY-----` is a key\n");
        assert_eq!(check(&[("notes.md", mention)], &[]), Vec::<String>::new());
    }

    #[test]
    fn listed_files_may_hold_a_secret_and_only_while_they_do() {
        let allowed = [("tests/server.key", "a test's")];
        assert_eq!(check(&[("tests/server.key", PEM)], &allowed), Vec::<String>::new());
        assert_eq!(check(&[("tests/other.key", PEM), ("tests/server.key", PEM)], &allowed).len(), 1);
        assert_eq!(check(&[("tests/other.txt", "")], &allowed).len(), 1, "stale");
    }
}

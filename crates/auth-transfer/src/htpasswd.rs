//! Users of an htpasswd file as import lines: `NAME:HASH`, the hash bcrypt. Pure.

use std::io::{BufRead, BufReader, Read};

use super::converted::{ConvertError, Converted};
use super::line::{BadLine, UserLine, bad};
use super::text::without_mark;

/// Converts a file to import lines for a realm.
///
/// # Errors
/// [`ConvertError`] when it can't be read.
///
/// ```
/// use auth_transfer::convert_htpasswd;
/// let file = b"ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\nbob:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\n";
/// let mut converted = convert_htpasswd(&file[..], "main")?;
/// assert!(converted.lines.text()?.contains(r#""username":"ada""#));
/// assert_eq!(converted.bad.all()?[0].0, "line 2 (bob)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert_htpasswd(file: impl Read, realm: &str) -> Result<Converted, ConvertError> {
    let mut converted = Converted::default();
    let file = without_mark(BufReader::new(file))?;
    for (number, line) in (1_u64..).zip(file.split(b'\n')) {
        let line = line?;
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let name = std::str::from_utf8(line).ok().and_then(|line| Some(line.split_once(':')?.0));
        let place = match name {
            Some(name) => format!("line {number} ({})", name.escape_debug()),
            None => format!("line {number}"),
        };
        converted.take_or_refuse(place, user(line, realm));
    }
    Ok(converted)
}

fn user(line: &[u8], realm: &str) -> Result<UserLine, BadLine> {
    let line = std::str::from_utf8(line).map_err(|_| bad("not UTF-8"))?;
    let (name, hash) =
        line.split_once(':').ok_or_else(|| bad("not a name and a hash with a colon between"))?;
    // What follows another colon is no part of the hash.
    let hash = hash.split(':').next().unwrap_or_default();
    if !["$2y$", "$2a$", "$2b$"].iter().any(|tag| hash.starts_with(tag)) {
        return Err(bad(refusal(hash)));
    }
    Ok(UserLine {
        kind: "user".to_owned(),
        realm: realm.to_owned(),
        username: Some(name.to_owned()),
        active: true,
        password_hash: Some(hash.to_owned()),
        ..UserLine::default()
    })
}

/// Why a hash of another kind is not taken.
fn refusal(hash: &str) -> &'static str {
    const REFUSALS: [(&str, &str); 7] = [
        ("{SHA}", "its hash is SHA-1 without a salt, tried by the billion: set a new password"),
        ("{SSHA}", "its hash is one round of SHA-1, tried by the billion: set a new password"),
        ("$apr1$", "its hash is Apache's MD5, which is not taken: set a new password"),
        ("$1$", "its hash is MD5 crypt, which is not taken: set a new password"),
        ("$5$", "its hash is SHA-256 crypt, which is not taken: set a new password"),
        ("$6$", "its hash is SHA-512 crypt, which is not taken: set a new password"),
        ("", "its password is in clear or hashed by DES crypt, which is not taken: set a new password"),
    ];
    REFUSALS.iter().find(|(tag, _)| hash.starts_with(tag)).map_or("", |(_, reason)| *reason)
}

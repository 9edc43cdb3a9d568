//! What an import remembers of a user's line: a digest of the line, and one of each of its fields.

use auth_core::{ImportMark, MarkKey, ProtocolName, Timestamp, UserId, fold};
use auth_crypto::keyring::KeyRing;
use auth_crypto::opaque;
use auth_crypto::record_key::RecordKey;
use serde::Serialize;

use super::check::given_ids;
use crate::line::UserLine;

/// The form of [`Fields`] that is written.
const FORM: u8 = 1;

/// Bytes of the digest of a field.
const FIELD: usize = 8;

/// A field of a user's line that a later import compares, or some that are compared together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    UserName,
    Email,
    FullName,
    Role,
    Active,
    Password,
    MustChangePassword,
    Language,
    Bot,
    ExternalIds,
    ExternalRoles,
    EmailSecondFactor,
    ZulipKey,
    /// An authenticator app.
    Totp,
}

impl Field {
    /// All fields, in the order in which their digests are written.
    pub(super) const ALL: [Self; 14] = [
        Self::UserName,
        Self::Email,
        Self::FullName,
        Self::Role,
        Self::Active,
        Self::Password,
        Self::MustChangePassword,
        Self::Language,
        Self::Bot,
        Self::ExternalIds,
        Self::ExternalRoles,
        Self::EmailSecondFactor,
        Self::ZulipKey,
        Self::Totp,
    ];

    /// The content of the field in a line, as bytes.
    fn content(self, line: &UserLine) -> Vec<u8> {
        match self {
            Self::UserName => bytes(&line.username),
            Self::Email => bytes(&(&line.email, line.email_verified)),
            Self::FullName => bytes(&line.full_name),
            Self::Role => bytes(&line.role),
            Self::Active => bytes(&line.active),
            Self::Password => bytes(&(&line.password, &line.password_hash)),
            Self::MustChangePassword => bytes(&line.must_change_password),
            Self::Language => bytes(&line.language),
            Self::Bot => bytes(&(&line.bot, line.bot_owner_id)),
            Self::ExternalIds => {
                bytes(&(line.id, &line.rocketchat_id, &line.zettelstore_zid, &line.external_ids))
            }
            Self::ExternalRoles => {
                bytes(&(&line.rocketchat_roles, &line.zettelstore_role, &line.external_roles))
            }
            Self::EmailSecondFactor => bytes(&line.email_2fa),
            Self::ZulipKey => bytes(&line.zulip_api_key),
            Self::Totp => bytes(&line.totp_secret),
        }
    }
}

fn bytes(content: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and lists of them: there is nothing in them that JSON can't say.
    serde_json::to_vec(content).unwrap_or_default()
}

/// Digests of the fields of a line, under one key of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// The id of the key.
    key: u32,
    pub(super) state: State,
    digests: [[u8; FIELD]; Field::ALL.len()],
    /// The protocols of which the line gives an id.
    protocols: Vec<ProtocolName>,
}

/// What an import has made of a record beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The valid-from stamp that the account had when an import deactivated it, where one has.
    pub(super) ended: Option<Timestamp>,
    /// Whether the record was joined with an account of another source.
    pub(super) is_joined: bool,
}

impl Fields {
    /// Whether a field has another content in one line than in the other. Both are under the same key.
    pub(super) fn differs(&self, other: &Self, field: Field) -> bool {
        let of = |fields: &Self| {
            let mut all = Field::ALL.iter().zip(fields.digests);
            all.find(|(known, _)| **known == field).map(|(_, digest)| digest)
        };
        of(self) != of(other)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        bytes.extend(self.key.to_be_bytes());
        let State { ended, is_joined } = self.state;
        bytes.push(u8::from(ended.is_some()) | u8::from(is_joined) << 1);
        bytes.extend(ended.map_or(0, Timestamp::as_millis).to_be_bytes());
        bytes.extend(self.digests.as_flattened());
        let protocols: Vec<&str> = self.protocols.iter().map(|name| name.as_str()).collect();
        bytes.extend(protocols.join(" ").bytes());
        bytes
    }

    /// Reads what an import has written; `None` where a later version of this program has.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (form, bytes) = bytes.split_first_chunk::<1>()?;
        let (key, bytes) = bytes.split_first_chunk::<4>()?;
        let ([flags], bytes) = bytes.split_first_chunk::<1>()?;
        let (ended, bytes) = bytes.split_first_chunk::<8>()?;
        let (digests, protocols) = bytes.split_at_checked(FIELD * Field::ALL.len())?;
        let digests = digests.as_chunks::<FIELD>().0.try_into().ok().filter(|_| *form == [FORM])?;
        let protocols = std::str::from_utf8(protocols).ok()?.split_terminator(' ');
        let ended = Timestamp::from_millis(i64::from_be_bytes(*ended));
        let state = State { ended: (flags & 1 != 0).then_some(ended), is_joined: flags & 2 != 0 };
        Some(Self {
            key: u32::from_be_bytes(*key),
            state,
            digests,
            protocols: protocols.map(ProtocolName::from_name).collect::<Option<_>>()?,
        })
    }
}

/// A user's line as a mark remembers it.
#[derive(Clone, Debug)]
pub(super) struct LineMark {
    pub(super) key: MarkKey,
    pub(super) digest: [u8; 16],
    pub(super) fields: Fields,
}

/// Makes the marks of a source.
pub(super) struct Marker {
    source: String,
    /// Under the keys of the ring, the active one first.
    keys: Vec<RecordKey>,
}

impl Marker {
    pub(super) fn new(source: &str, ring: &KeyRing) -> Self {
        Self { source: source.to_owned(), keys: RecordKey::of_ring(ring) }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The digest of a line's text.
    pub(super) fn digest(&self, text: &[u8]) -> [u8; 16] {
        self.keys.first().map(|key| key.digest(b"line", text)).unwrap_or_default()
    }

    /// What is remembered of a line.
    pub(super) fn mark(&self, line: &UserLine, text: &[u8]) -> LineMark {
        let fields = self.keys.first().map(|key| fields(key, line));
        let none =
            Fields { key: 0, state: State::default(), digests: Default::default(), protocols: Vec::new() };
        LineMark { key: key_of(line), digest: self.digest(text), fields: fields.unwrap_or(none) }
    }

    /// What an earlier import has remembered of a line's fields, and the fields of the line as it is now under the same key.
    /// `None` where that key is gone, so that nobody knows what has changed.
    pub(super) fn compare(&self, mark: &ImportMark, line: &UserLine) -> Option<(Fields, Fields)> {
        let before = Fields::decode(&mark.fields)?;
        let key = self.keys.iter().find(|key| key.id() == before.key)?;
        let now = fields(key, line);
        Some((before, now))
    }

    /// The mark that a store keeps.
    pub(super) fn of_user(&self, mark: &LineMark, user: UserId, state: State) -> ImportMark {
        ImportMark {
            source: self.source.clone(),
            key: mark.key,
            user: Some(user),
            digest: mark.digest,
            fields: Fields { state, ..mark.fields.clone() }.encode(),
        }
    }
}

fn fields(key: &RecordKey, line: &UserLine) -> Fields {
    let digests = Field::ALL.map(|field| {
        let place = Field::ALL.iter().position(|other| *other == field).and_then(|at| u8::try_from(at).ok());
        let digest = key.digest(&[place.unwrap_or(u8::MAX)], &field.content(line));
        digest.first_chunk().copied().unwrap_or_default()
    });
    let protocols = given_ids(line).iter().map(|(protocol, _)| protocol).collect();
    Fields { key: key.id(), state: State::default(), digests, protocols }
}

/// The protocols of which the record of a mark gives an id; `None` where a later version of this
/// program has written the mark.
pub(super) fn protocols_of(mark: &ImportMark) -> Option<Vec<ProtocolName>> {
    Fields::decode(&mark.fields).map(|fields| fields.protocols)
}

/// Tells a user's record from the others of its source: by the first of its ids, else by its name.
fn key_of(line: &UserLine) -> MarkKey {
    let (kind, id) = if let Some(id) = line.id {
        ("zulip", id.to_string())
    } else if let Some(id) = &line.rocketchat_id {
        ("rocketchat", id.clone())
    } else if let Some(id) = &line.zettelstore_zid {
        ("zettelstore", id.clone())
    } else if !line.external_ids.is_empty() {
        ("external", serde_json::to_string(&line.external_ids).unwrap_or_default())
    } else if let Some(name) = &line.directory_name {
        ("directory", name.clone())
    } else if let Some(name) = &line.username {
        ("username", fold(name))
    } else {
        ("email", line.email.as_deref().map(fold).unwrap_or_default())
    };
    let digest = opaque::digest(&format!("{}\0{kind}\0{id}", line.realm));
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use auth_core::SeededRng;
    use auth_crypto::keyring::RingKey;

    use super::*;
    use crate::line::Line;

    fn line(text: &str) -> UserLine {
        match Line::parse(text).unwrap() {
            Line::User(line) => *line,
            Line::Realm(_) => unreachable!("a user's line"),
        }
    }

    #[test]
    fn what_is_remembered_tells_each_field_apart() {
        let ring = KeyRing::generate(&SeededRng::new(1));
        let marker = Marker::new("csv", &ring);
        let base = r#"{"kind":"user","realm":"main","username":"iago","id":5"#;
        let before = line(&format!("{base}}}"));
        let mark =
            marker.of_user(&marker.mark(&before, b"text"), UserId::from_bytes([1; 16]), State::default());
        for (more, field) in [
            (r#""email":"iago@example.org""#, Field::Email),
            (r#""full_name":"Iago""#, Field::FullName),
            (r#""role":"admin""#, Field::Role),
            (r#""active":false"#, Field::Active),
            (r#""password":"secret""#, Field::Password),
            (r#""password_hash":"secret""#, Field::Password),
            (r#""must_change_password":true"#, Field::MustChangePassword),
            (r#""language":"de""#, Field::Language),
            (r#""bot":"default""#, Field::Bot),
            (r#""rocketchat_id":"x""#, Field::ExternalIds),
            (r#""rocketchat_roles":["x"]"#, Field::ExternalRoles),
            (r#""email_2fa":true"#, Field::EmailSecondFactor),
            (r#""zulip_api_key":"x""#, Field::ZulipKey),
            (r#""totp_secret":"x""#, Field::Totp),
        ] {
            let now = line(&format!("{base},{more}}}"));
            let (before, now) = marker.compare(&mark, &now).unwrap();
            let differing: Vec<Field> =
                Field::ALL.into_iter().filter(|field| now.differs(&before, *field)).collect();
            assert_eq!(differing, [field], "{more}");
        }
        let (before, now) = marker.compare(&mark, &before).unwrap();
        assert_eq!(before, now);
    }

    #[test]
    fn a_mark_reads_back_under_every_key_of_the_ring_and_no_other() {
        let rng = SeededRng::new(1);
        let ring = KeyRing::generate(&rng);
        let user = line(r#"{"kind":"user","realm":"main","username":"iago","id":7,"rocketchat_id":"x"}"#);
        let marker = Marker::new("csv", &ring);
        let state = State { ended: Some(Timestamp::from_secs(7)), is_joined: true };
        let mark = marker.of_user(&marker.mark(&user, b"text"), UserId::from_bytes([1; 16]), state);
        let rotated = ring.with(RingKey::generate(2, &rng)).unwrap().promoted(2).unwrap();
        let marker = Marker::new("csv", &rotated);
        let (before, now) = marker.compare(&mark, &user).unwrap();
        assert_eq!((before.state, &before.digests), (state, &now.digests));
        let given = [ProtocolName::ROCKETCHAT, ProtocolName::ZULIP];
        assert_eq!(protocols_of(&mark).unwrap(), given);
        assert_ne!(marker.mark(&user, b"text").digest, mark.digest);
        let retired = Marker::new("csv", &rotated.without(1).unwrap());
        assert_eq!(retired.compare(&mark, &user), None);
        let mut unknown = mark;
        unknown.fields[0] = 2;
        assert_eq!(marker.compare(&unknown, &user), None);
        unknown.fields = vec![FORM; 9];
        assert_eq!(marker.compare(&unknown, &user), None);
    }

    #[test]
    fn the_first_id_is_the_key_of_a_record_and_its_realm_belongs_to_it() {
        let key = |rest: &str| key_of(&line(&format!(r#"{{"kind":"user","realm":{rest}}}"#)));
        assert_eq!(key(r#""main","id":5,"username":"a""#), key(r#""main","id":5,"rocketchat_id":"b""#));
        assert_eq!(
            key(r#""main","username":"Ann""#),
            key(r#""main","username":"ann","email":"ann@example.org""#)
        );
        let keys = [
            key(r#""main","id":5"#),
            key(r#""other","id":5"#),
            key(r#""main","rocketchat_id":"5""#),
            key(r#""main","zettelstore_zid":"5""#),
            key(r#""main","external_ids":{"gitlab":5}"#),
            key(r#""main","directory_name":"5""#),
            key(r#""main","username":"5""#),
            key(r#""main","email":"5""#),
        ];
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }
}

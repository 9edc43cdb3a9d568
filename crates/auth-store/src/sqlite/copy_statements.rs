//! The statements by which a copy of a store reads and writes SQLite.

use crate::copy::{RecordKind, Statements};

/// The statements for a kind of record. A page takes the key after which it begins, and the most rows that it has; a write
/// takes the columns of one row.
pub(super) fn statements(kind: RecordKind) -> Statements {
    match kind {
        RecordKind::Realm => Statements {
            page: "SELECT id, slug, subdomain, name, icon, description, active, password_login, \
                    digest_logins, min_length, min_guesses, backends, require_second_factor FROM realm \
                    WHERE id > ?1 ORDER BY id LIMIT ?2",
            write: "INSERT INTO realm (id, slug, subdomain, name, icon, description, active, \
                    password_login, digest_logins, min_length, min_guesses, backends, \
                    require_second_factor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
                    ?13)",
            count: "SELECT count(*) FROM realm",
        },
        RecordKind::User => Statements {
            page: "SELECT id, number, realm, full_name, role, bot, active, joined, valid_from, \
                    email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, \
                    zettelstore, zettelstore_role, version, password, external, bot_owner, language FROM \
                    user WHERE id > ?1 ORDER BY id LIMIT ?2",
            write: "INSERT INTO user (id, number, realm, full_name, role, bot, active, joined, \
                    valid_from, email_second_factor, must_change_password, zulip, rocketchat, \
                    rocketchat_roles, zettelstore, zettelstore_role, version, password, external, \
                    bot_owner, language) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
                    ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
            count: "SELECT count(*) FROM user",
        },
        RecordKind::LoginName => Statements {
            page: "SELECT n.kind, n.folded, n.realm, n.exact, u.id, n.position, n.verified FROM \
                    login_name AS n CROSS JOIN user AS u ON u.number = n.user WHERE (n.kind, n.folded, \
                    n.realm, n.exact) > (?1, ?2, ?3, ?4) ORDER BY n.kind, n.folded, n.realm, n.exact \
                    LIMIT ?5",
            write: "INSERT INTO login_name (kind, folded, realm, exact, user, position, verified) VALUES \
                    (?1, ?2, ?3, ?4, (SELECT number FROM user WHERE id = ?5), ?6, ?7)",
            count: "SELECT count(*) FROM login_name",
        },
        RecordKind::ExternalId => Statements {
            page: "SELECT u.id, e.protocol, e.realm, e.number, e.text FROM user AS u CROSS JOIN \
                    external_id AS e ON e.user = u.number WHERE u.id >= ?1 AND (u.id > ?1 OR e.protocol \
                    > ?2) ORDER BY u.id, e.protocol LIMIT ?3",
            write: "INSERT INTO external_id (user, protocol, realm, number, text) VALUES ((SELECT number \
                    FROM user WHERE id = ?1), ?2, ?3, ?4, ?5)",
            count: "SELECT count(*) FROM external_id",
        },
        RecordKind::Credential => Statements {
            page: "SELECT c.id, c.number, u.id, c.kind, c.digest, c.sealed, c.clear_only, c.doors, \
                    c.bypass_second_factor, c.label, c.client, c.agent, c.created, c.expires, \
                    c.last_used, c.counter FROM credential AS c CROSS JOIN user AS u ON u.number = \
                    c.user WHERE c.id > ?1 ORDER BY c.id LIMIT ?2",
            write: "INSERT INTO credential (id, number, user, kind, digest, sealed, clear_only, doors, \
                    bypass_second_factor, label, client, agent, created, expires, last_used, counter) \
                    VALUES (?1, ?2, (SELECT number FROM user WHERE id = ?3), ?4, ?5, ?6, ?7, ?8, ?9, \
                    ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            count: "SELECT count(*) FROM credential",
        },
        RecordKind::CredentialParent => Statements {
            page: "SELECT c.id, p.id FROM credential AS c CROSS JOIN credential AS p ON p.number = \
                    c.parent WHERE c.id > ?1 ORDER BY c.id LIMIT ?2",
            write: "UPDATE credential SET parent = (SELECT number FROM credential WHERE id = ?2) WHERE \
                    id = ?1",
            count: "SELECT count(*) FROM credential WHERE parent IS NOT NULL",
        },
        RecordKind::Activity => Statements {
            page: "SELECT u.id, a.realm, a.last_login, a.last_use, a.seen FROM user AS u CROSS JOIN \
                    activity AS a ON a.user = u.number WHERE u.id > ?1 ORDER BY u.id LIMIT ?2",
            write: "INSERT INTO activity (user, realm, last_login, last_use, seen) VALUES ((SELECT \
                    number FROM user WHERE id = ?1), ?2, ?3, ?4, ?5)",
            count: "SELECT count(*) FROM activity",
        },
        RecordKind::Group => Statements {
            page: "SELECT id, realm, name, folded, directory, entry, made FROM user_group WHERE id > ?1 \
                    ORDER BY id LIMIT ?2",
            write: "INSERT INTO user_group (id, realm, name, folded, directory, entry, made) VALUES (?1, \
                    ?2, ?3, ?4, ?5, ?6, ?7)",
            count: "SELECT count(*) FROM user_group",
        },
        RecordKind::Membership => Statements {
            page: "SELECT user_group, user FROM membership WHERE (user_group, user) > (?1, ?2) ORDER BY \
                    user_group, user LIMIT ?3",
            write: "INSERT INTO membership (user_group, user) VALUES (?1, ?2)",
            count: "SELECT count(*) FROM membership",
        },
        RecordKind::ImportMark => Statements {
            page: "SELECT source, key, user, digest, fields FROM import_mark WHERE (source, key) > (?1, \
                    ?2) ORDER BY source, key LIMIT ?3",
            write: "INSERT INTO import_mark (source, key, user, digest, fields) VALUES (?1, ?2, ?3, ?4, \
                    ?5)",
            count: "SELECT count(*) FROM import_mark",
        },
        RecordKind::NetworkRule => Statements {
            page: "SELECT network, kind, until, made, note FROM network_rule WHERE network > ?1 ORDER \
                    BY network LIMIT ?2",
            write: "INSERT INTO network_rule (network, kind, until, made, note) VALUES (?1, ?2, ?3, ?4, \
                    ?5)",
            count: "SELECT count(*) FROM network_rule",
        },
        RecordKind::AdminKey => Statements {
            page: "SELECT id, name, digest, scope, realm, made, ends, last_used FROM admin_key WHERE id \
                    > ?1 ORDER BY id LIMIT ?2",
            write: "INSERT INTO admin_key (id, name, digest, scope, realm, made, ends, last_used) VALUES \
                    (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            count: "SELECT count(*) FROM admin_key",
        },
        RecordKind::Audit => Statements {
            page: "SELECT at, number, actor, actor_user, actor_name, act, realm, user, detail, client, \
                    protocol, request FROM audit WHERE (at, number) > (?1, ?2) ORDER BY at, number LIMIT \
                    ?3",
            write: "INSERT INTO audit (at, number, actor, actor_user, actor_name, act, realm, user, \
                    detail, client, protocol, request) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
                    ?11, ?12)",
            count: "SELECT count(*) FROM audit",
        },
        RecordKind::Attempt => Statements {
            page: "SELECT at, number, door, realm, user, name, network, outcome FROM attempt WHERE (at, \
                    number) > (?1, ?2) ORDER BY at, number LIMIT ?3",
            write: "INSERT INTO attempt (at, number, door, realm, user, name, network, outcome) VALUES \
                    (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            count: "SELECT count(*) FROM attempt",
        },
        RecordKind::Mail => Statements {
            page: "SELECT id, recipient, subject, body, due, failures FROM mail WHERE id > ?1 ORDER BY \
                    id LIMIT ?2",
            write: "INSERT INTO mail (id, recipient, subject, body, due, failures) VALUES (?1, ?2, ?3, \
                    ?4, ?5, ?6)",
            count: "SELECT count(*) FROM mail",
        },
        RecordKind::Spent => Statements {
            page: "SELECT digest, until FROM spent WHERE digest > ?1 ORDER BY digest LIMIT ?2",
            write: "INSERT INTO spent (digest, until) VALUES (?1, ?2)",
            count: "SELECT count(*) FROM spent",
        },
        RecordKind::Meta => Statements {
            page: "SELECT name, value FROM meta WHERE name > ?1 AND name <> 'copy' ORDER BY name LIMIT \
                    ?2",
            write: "INSERT INTO meta (name, value) VALUES (?1, ?2)",
            count: "SELECT count(*) FROM meta WHERE name <> 'copy'",
        },
    }
}

//! The statements by which a copy of a store reads and writes PostgreSQL.

use crate::copy::{RecordKind, Statements};

/// The statements for a kind of record. A page takes the key after which it begins, and the most rows that it has; a write
/// takes the columns, each as an array of all rows, but numbers that SQLite alone has.
pub(super) fn statements(kind: RecordKind) -> Statements {
    match kind {
        RecordKind::Realm => Statements {
            page: "SELECT id, slug, subdomain, name, icon, description, active, password_login, \
                    digest_logins, min_length, min_guesses, backends, require_second_factor FROM realm \
                    WHERE id > $1::bytea ORDER BY id LIMIT $2",
            write: "INSERT INTO realm (id, slug, subdomain, name, icon, description, active, \
                    password_login, digest_logins, min_length, min_guesses, backends, \
                    require_second_factor) SELECT r.id, r.slug, r.subdomain, r.name, r.icon, \
                    r.description, r.active, r.password_login, r.digest_logins, r.min_length, \
                    r.min_guesses, r.backends, r.require_second_factor FROM unnest($1::bytea[], \
                    $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], \
                    $8::boolean[], $9::boolean[], $10::bigint[], $11::bigint[], $12::text[], \
                    $13::boolean[]) AS r (id, slug, subdomain, name, icon, description, active, \
                    password_login, digest_logins, min_length, min_guesses, backends, \
                    require_second_factor)",
            count: "SELECT count(*) FROM realm",
        },
        RecordKind::User => Statements {
            page: "SELECT id, NULL::bigint, realm, full_name, role, bot, active, joined, valid_from, \
                    email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, \
                    zettelstore, zettelstore_role, version, password, external, bot_owner, language FROM \
                    account WHERE id > $1::bytea ORDER BY id LIMIT $2",
            write: "INSERT INTO account (id, realm, full_name, role, bot, active, joined, valid_from, \
                    email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, \
                    zettelstore, zettelstore_role, version, password, external, bot_owner, language) \
                    SELECT r.id, r.realm, r.full_name, r.role, r.bot, r.active, r.joined, r.valid_from, \
                    r.email_second_factor, r.must_change_password, r.zulip, r.rocketchat, \
                    r.rocketchat_roles, r.zettelstore, r.zettelstore_role, r.version, r.password, \
                    r.external, r.bot_owner, r.language FROM unnest($1::bytea[], $2::bytea[], \
                    $3::text[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[], \
                    $9::boolean[], $10::boolean[], $11::bigint[], $12::text[], $13::text[], \
                    $14::bigint[], $15::text[], $16::bigint[], $17::text[], $18::text[], $19::bigint[], \
                    $20::text[]) AS r (id, realm, full_name, role, bot, active, joined, valid_from, \
                    email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, \
                    zettelstore, zettelstore_role, version, password, external, bot_owner, language)",
            count: "SELECT count(*) FROM account",
        },
        RecordKind::LoginName => Statements {
            // A plain name after ORDER BY would be that of the cast, which no index has.
            page: "SELECT n.kind::bigint, n.folded, n.realm, n.exact, n.account, n.position::bigint, \
                    n.verified FROM login_name AS n WHERE (n.kind, n.folded, n.realm, n.exact) > \
                    ($1::bigint, $2::text, $3::bytea, $4::text) ORDER BY n.kind, n.folded, n.realm, \
                    n.exact LIMIT $5",
            write: "INSERT INTO login_name (kind, folded, realm, exact, account, position, verified) \
                    SELECT r.kind::smallint, r.folded, r.realm, r.exact, r.account, \
                    r.position::smallint, r.verified FROM unnest($1::bigint[], $2::text[], $3::bytea[], \
                    $4::text[], $5::bytea[], $6::bigint[], $7::boolean[]) AS r (kind, folded, realm, \
                    exact, account, position, verified)",
            count: "SELECT count(*) FROM login_name",
        },
        RecordKind::ExternalId => Statements {
            page: "SELECT account, protocol, realm, number, text FROM external_id WHERE (account, \
                    protocol) > ($1::bytea, $2::text) ORDER BY account, protocol LIMIT $3",
            write: "INSERT INTO external_id (account, protocol, realm, number, text) SELECT r.account, \
                    r.protocol, r.realm, r.number, r.text FROM unnest($1::bytea[], $2::text[], \
                    $3::bytea[], $4::bigint[], $5::text[]) AS r (account, protocol, realm, number, text)",
            count: "SELECT count(*) FROM external_id",
        },
        RecordKind::Credential => Statements {
            page: "SELECT id, NULL::bigint, account, kind, digest, sealed, clear_only, doors, \
                    bypass_second_factor, label, client, agent, created, expires, last_used, counter \
                    FROM credential WHERE id > $1::bytea ORDER BY id LIMIT $2",
            write: "INSERT INTO credential (id, account, kind, digest, sealed, clear_only, doors, \
                    bypass_second_factor, label, client, agent, created, expires, last_used, counter) \
                    SELECT r.id, r.account, r.kind, r.digest, r.sealed, r.clear_only, r.doors, \
                    r.bypass_second_factor, r.label, r.client, r.agent, r.created, r.expires, \
                    r.last_used, r.counter FROM unnest($1::bytea[], $2::bytea[], $3::text[], \
                    $4::bytea[], $5::bytea[], $6::boolean[], $7::text[], $8::boolean[], $9::text[], \
                    $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], \
                    $15::bigint[]) AS r (id, account, kind, digest, sealed, clear_only, doors, \
                    bypass_second_factor, label, client, agent, created, expires, last_used, counter)",
            count: "SELECT count(*) FROM credential",
        },
        RecordKind::CredentialParent => Statements {
            page: "SELECT id, parent FROM credential WHERE id > $1::bytea AND parent IS NOT NULL ORDER \
                    BY id LIMIT $2",
            write: "UPDATE credential AS c SET parent = r.parent FROM unnest($1::bytea[], $2::bytea[]) \
                    AS r (id, parent) WHERE c.id = r.id",
            count: "SELECT count(*) FROM credential WHERE parent IS NOT NULL",
        },
        RecordKind::Activity => Statements {
            page: "SELECT account, realm, last_login, last_use, seen FROM activity WHERE account > \
                    $1::bytea ORDER BY account LIMIT $2",
            write: "INSERT INTO activity (account, realm, last_login, last_use, seen) SELECT r.account, \
                    r.realm, r.last_login, r.last_use, r.seen FROM unnest($1::bytea[], $2::bytea[], \
                    $3::bigint[], $4::bigint[], $5::bigint[]) AS r (account, realm, last_login, \
                    last_use, seen)",
            count: "SELECT count(*) FROM activity",
        },
        RecordKind::Group => Statements {
            page: "SELECT id, realm, name, folded, directory, entry, made FROM user_group WHERE id > \
                    $1::bytea ORDER BY id LIMIT $2",
            write: "INSERT INTO user_group (id, realm, name, folded, directory, entry, made) SELECT \
                    r.id, r.realm, r.name, r.folded, r.directory, r.entry, r.made FROM \
                    unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], \
                    $7::bigint[]) AS r (id, realm, name, folded, directory, entry, made)",
            count: "SELECT count(*) FROM user_group",
        },
        RecordKind::Membership => Statements {
            page: "SELECT user_group, account FROM membership WHERE (user_group, account) > ($1::bytea, \
                    $2::bytea) ORDER BY user_group, account LIMIT $3",
            write: "INSERT INTO membership (user_group, account) SELECT r.user_group, r.account FROM \
                    unnest($1::bytea[], $2::bytea[]) AS r (user_group, account)",
            count: "SELECT count(*) FROM membership",
        },
        RecordKind::ImportMark => Statements {
            page: "SELECT source, key, account, digest, fields FROM import_mark WHERE (source, key) > \
                    ($1::text, $2::bytea) ORDER BY source, key LIMIT $3",
            write: "INSERT INTO import_mark (source, key, account, digest, fields) SELECT r.source, r.key, \
                    r.account, r.digest, r.fields FROM unnest($1::text[], $2::bytea[], $3::bytea[], \
                    $4::bytea[], $5::bytea[]) AS r (source, key, account, digest, fields)",
            count: "SELECT count(*) FROM import_mark",
        },
        RecordKind::NetworkRule => Statements {
            page: "SELECT network, kind, until, made, note FROM network_rule WHERE network > $1::text \
                    ORDER BY network LIMIT $2",
            write: "INSERT INTO network_rule (network, kind, until, made, note) SELECT r.network, \
                    r.kind, r.until, r.made, r.note FROM unnest($1::text[], $2::text[], $3::bigint[], \
                    $4::bigint[], $5::text[]) AS r (network, kind, until, made, note)",
            count: "SELECT count(*) FROM network_rule",
        },
        RecordKind::AdminKey => Statements {
            page: "SELECT id, name, digest, scope, realm, made, ends, last_used FROM admin_key WHERE id \
                    > $1::bytea ORDER BY id LIMIT $2",
            write: "INSERT INTO admin_key (id, name, digest, scope, realm, made, ends, last_used) SELECT \
                    r.id, r.name, r.digest, r.scope, r.realm, r.made, r.ends, r.last_used FROM \
                    unnest($1::bytea[], $2::text[], $3::bytea[], $4::text[], $5::bytea[], $6::bigint[], \
                    $7::bigint[], $8::bigint[]) AS r (id, name, digest, scope, realm, made, ends, \
                    last_used)",
            count: "SELECT count(*) FROM admin_key",
        },
        RecordKind::Audit => Statements {
            page: "SELECT at, id, actor, actor_account, actor_name, act, realm, account, detail, \
                    client, protocol, request FROM audit WHERE (at, id) > ($1::bigint, $2::bigint) ORDER \
                    BY at, id LIMIT $3",
            write: "INSERT INTO audit (at, id, actor, actor_account, actor_name, act, realm, account, \
                    detail, client, protocol, request) OVERRIDING SYSTEM VALUE SELECT r.at, r.id, \
                    r.actor, r.actor_account, r.actor_name, r.act, r.realm, r.account, r.detail, \
                    r.client, r.protocol, r.request FROM unnest($1::bigint[], $2::bigint[], $3::text[], \
                    $4::bytea[], $5::text[], $6::text[], $7::bytea[], $8::bytea[], $9::text[], \
                    $10::text[], $11::text[], $12::text[]) AS r (at, id, actor, actor_account, \
                    actor_name, act, realm, account, detail, client, protocol, request)",
            count: "SELECT count(*) FROM audit",
        },
        RecordKind::Attempt => Statements {
            page: "SELECT at, uuid_send(id), door, realm, account, name, network, outcome FROM attempt \
                    WHERE (at, id) > ($1::bigint, encode($2::bytea, 'hex')::uuid) ORDER BY at, id LIMIT \
                    $3",
            write: "INSERT INTO attempt (at, id, door, realm, account, name, network, outcome) SELECT \
                    r.at, encode(r.id, 'hex')::uuid, r.door, r.realm, r.account, r.name, r.network, \
                    r.outcome FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bytea[], \
                    $5::bytea[], $6::text[], $7::text[], $8::text[]) AS r (at, id, door, realm, account, \
                    name, network, outcome)",
            count: "SELECT count(*) FROM attempt",
        },
        RecordKind::Mail => Statements {
            page: "SELECT id, recipient, subject, body, due, failures FROM mail WHERE id > $1::bytea \
                    ORDER BY id LIMIT $2",
            write: "INSERT INTO mail (id, recipient, subject, body, due, failures) SELECT r.id, \
                    r.recipient, r.subject, r.body, r.due, r.failures FROM unnest($1::bytea[], \
                    $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bigint[]) AS r (id, \
                    recipient, subject, body, due, failures)",
            count: "SELECT count(*) FROM mail",
        },
        RecordKind::Spent => Statements {
            page: "SELECT digest, until FROM spent WHERE digest > $1::bytea ORDER BY digest LIMIT $2",
            write: "INSERT INTO spent (digest, until) SELECT r.digest, r.until FROM unnest($1::bytea[], \
                    $2::bigint[]) AS r (digest, until)",
            count: "SELECT count(*) FROM spent",
        },
        RecordKind::Meta => Statements {
            page: "SELECT name, value FROM meta WHERE name COLLATE \"C\" > $1::text AND name <> 'copy' \
                    ORDER BY name COLLATE \"C\" LIMIT $2",
            write: "INSERT INTO meta (name, value) SELECT r.name, r.value FROM unnest($1::text[], \
                    $2::bytea[]) AS r (name, value)",
            count: "SELECT count(*) FROM meta WHERE name <> 'copy'",
        },
    }
}

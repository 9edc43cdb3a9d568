//! The table of metrics: docs/observability.md shows the same one.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number that only grows while the process lives.
    Counter,
    /// A number of now.
    Gauge,
    /// Times, counted in buckets.
    Histogram,
}

/// A metric with all its labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) const $constant: Family =
            Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*

        /// All metrics, in the order of the table.
        pub(crate) const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD = Gauge "auth_server_build_info" ["version"] "The version that runs; the value is 1.";
    STARTED = Gauge "auth_server_start_time_seconds" [] "When the server began to answer, in seconds since 1970.";
    REQUESTS = Counter "auth_server_requests_total" ["protocol", "route", "status"]
        "Answered requests; the route is the pattern of the path.";
    REQUEST_SECONDS = Histogram "auth_server_request_seconds" ["protocol", "route"]
        "How long requests took, from the head of the request to the whole answer: a delay on purpose is part of it.";
    ATTEMPTS = Counter "auth_server_login_attempts_total" ["protocol", "outcome", "scheme"]
        "Attempts to log in, by what became of them and by the scheme of the stored password.";
    CONNECTIONS = Gauge "auth_server_connections" [] "Open connections.";
    CONNECTIONS_ENDED = Counter "auth_server_connections_ended_total" ["reason"]
        "Connections that the server ended, by the reason.";
    SOCKETS = Gauge "auth_server_sockets" ["user"] "Open web sockets, by whether a user is signed in on them.";
    REFUSED = Counter "auth_server_refused_total" ["kind"]
        "What a client had too much of, or found no room for, by its kind.";
    FORWARDING_DOUBTED = Counter "auth_server_forwarding_doubted_total" ["reason"]
        "Requests whose client may be another one, by the reason.";
    HASHING_WAITING = Gauge "auth_server_hashing_waiting" [] "Jobs that wait for a thread.";
    HASHING_REFUSED = Counter "auth_server_hashing_refused_total" [] "Jobs refused because the queue was full.";
    HASHING_LATE = Counter "auth_server_hashing_late_total" []
        "Jobs refused because they had waited as long as they may.";
    HASHING_ABANDONED = Counter "auth_server_hashing_abandoned_total" [] "Jobs whose client had gone.";
    HASHING_WAIT_SECONDS = Histogram "auth_server_hashing_wait_seconds" [] "How long jobs waited for a thread.";
    HASHING_SECONDS = Histogram "auth_server_hashing_seconds" ["scheme"] "How long a job kept a core busy.";
    HASHING_ROUNDS = Counter "auth_server_hashing_rounds_total" ["jobs"]
        "Rounds of a thread, by how many jobs it did together.";
    HASHING_WORKERS = Gauge "auth_server_hashing_workers" []
        "Threads that compute at once, at most: as many as were measured to get most done.";
    HASHING_WIDTH = Gauge "auth_server_hashing_width" []
        "Jobs that a thread does together, at most: as many as were measured to get most done.";
    STORE_UP = Gauge "auth_server_store_up" [] "Whether the last look at the store reached it: 1 or 0.";
    STORE_LOOK_SECONDS = Histogram "auth_server_store_look_seconds" []
        "How long the look at the store took that is made twice a second.";
    CREDENTIALS = Gauge "auth_server_credentials" ["kind"]
        "Credentials in the store, by their kind: an estimate where there are more than 10,000, made once a minute.";
    DIRECTORY_ANSWERS = Counter "auth_server_directory_answers_total" ["directory", "answer"]
        "Answers of directories, by the name in the configuration.";
    DIRECTORY_SECONDS = Histogram "auth_server_directory_seconds" ["directory"]
        "How long directories took to answer a login or a look-up, by the name in the configuration.";
    MAILS = Counter "auth_server_mails_total" ["outcome"] "Attempts to send a mail, by what became of them.";
    MAIL_OLDEST_DUE = Gauge "auth_server_mail_oldest_due_seconds" []
        "How long the oldest mail that is due has waited; 0 where none waits.";
    BACKUP_LAST_GOOD = Gauge "auth_server_backup_last_good_timestamp_seconds" []
        "When the last backup was made that was found good; 0 before the first.";
    LOG_LINES_LOST = Counter "auth_server_log_lines_lost_total" []
        "Log lines dropped because they could not be written in time.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for Family { name, kind, labels, help } in ALL {
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.starts_with("auth_server_") && help.ends_with('.'), "{name}");
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(*kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(labels.iter().chain([name]).all(|text| is_plain(text)), "{name}");
        }
    }

    /// The table in the documentation, as `(name, kind, labels, help)`. The page is a link here, so that a package holds it.
    #[test]
    fn documentation_shows_this_table() {
        let page = include_str!("observability.md");
        let documented = page.lines().filter(|line| line.starts_with("| `auth_server_"));
        let expected = ALL.iter().map(|Family { name, kind, labels, help }| {
            let kind = format!("{kind:?}").to_lowercase();
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "))
        });
        assert_eq!(documented.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}

//! Security events: what the field `event` of a log line says.

macro_rules! events {
    ($($event:ident = $word:literal $meaning:literal,)*) => {
        /// A security event: the value of the field `event` in a log line. Acts of the audit log are events too, under the
        /// words of [`Act`](crate::Act).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Event {
            $(#[doc = $meaning] $event,)*
        }

        impl Event {
            /// Every event.
            pub const ALL: &[Self] = &[$(Self::$event,)*];

            /// The word of the field `event`.
            ///
            /// ```
            /// assert_eq!(auth_core::Event::LoginRefused.as_str(), "login-refused");
            /// ```
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$event => $word,)*
                }
            }

            /// When there is such a line.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$event => $meaning,)*
                }
            }
        }
    };
}

events! {
    LoginGranted = "login-granted" "A login succeeded.",
    LoginRefused = "login-refused" "A login failed: `outcome` says why.",
    SecondFactorAsked = "second-factor-asked" "The password was right, and a second factor is needed.",
    SecondFactorRefused = "second-factor-refused" "A second factor was wrong, or tried too often.",
    LoginLimited = "login-limited" "A limit refused a login before anything of it was judged.",
    LoginsSummed = "logins-summed"
        "Refusals of one limit, or logins without a hash, after the first: `count` says how many.",
    OperationDone = "operation-done" "An operator changed something by the socket or the HTTP API.",
    OperationRefused = "operation-refused" "An operation of an operator was refused.",
    OperatorRefused = "operator-refused" "A request to the operators' listener had a wrong key.",
    ClientBanned = "client-banned"
        "Connections or requests of banned networks were refused: once an hour at most, and `count` says how many.",
    ClientDoubted = "client-doubted"
        "The client of a request may be another one: at most once an hour for each reason.",
    KeyRingChanged = "key-ring-changed" "The server goes on with another key ring.",
}

impl Event {
    /// The event of an attempt with this outcome, as the log of attempts has it.
    #[must_use]
    pub fn of_outcome(outcome: &str) -> Self {
        match outcome {
            "granted" => Self::LoginGranted,
            "second-factor-required" => Self::SecondFactorAsked,
            "second-factor-invalid" | "second-factor-exhausted" => Self::SecondFactorRefused,
            "account-limited" | "network-limited" => Self::LoginLimited,
            _ => Self::LoginRefused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Act;

    #[test]
    fn every_event_and_every_act_has_a_word_of_its_own() {
        let acts = Act::ALL.iter().map(|(_, word)| *word);
        let words: Vec<&str> = Event::ALL.iter().map(|event| event.as_str()).chain(acts).collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{words:?}");
        let is_plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(words.iter().all(is_plain), "{words:?}");
    }
}

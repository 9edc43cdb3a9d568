//! How many links for new passwords are mailed on request, whoever has the addresses.
//!
//! | count | mails |
//! | --- | --- |
//! | an address | 2 in an hour, 5 in a day |
//! | a client key | 5 in a day |

use std::time::Duration;

use auth_core::Quota;

use super::optional_limiter::OptionalLimiter;
use super::reservation::Span;
use super::subject::Subject;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The limiters of links that are asked for by address.
#[derive(Debug)]
pub(super) struct ResetLinkLimiters {
    hour: OptionalLimiter<Subject>,
    day: OptionalLimiter<Subject>,
    client: OptionalLimiter<Subject>,
}

impl ResetLinkLimiters {
    /// Limiters, or none.
    pub(super) fn new(is_limited: bool) -> Self {
        let limiter =
            |attempts, window| OptionalLimiter::new(is_limited.then_some(Quota { attempts, window }));
        Self { hour: limiter(2, HOUR), day: limiter(5, DAY), client: limiter(5, DAY) }
    }

    /// The limiter of a subject over a time.
    pub(super) fn limiter(&self, span: Span, subject: &Subject) -> &OptionalLimiter<Subject> {
        match (span, subject) {
            (Span::Hour, _) => &self.hour,
            (Span::Day, Subject::Client(_)) => &self.client,
            (Span::Day, _) => &self.day,
        }
    }

    /// Every limiter, with its time.
    pub(super) fn all(&self) -> [(Span, &OptionalLimiter<Subject>); 3] {
        [(Span::Hour, &self.hour), (Span::Day, &self.day), (Span::Day, &self.client)]
    }

    /// The longest time over which is counted; `None` without limits.
    pub(super) fn window(&self) -> Option<Duration> {
        self.day.quota().map(|quota| quota.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_counted_for_a_day_where_they_are_limited() {
        assert_eq!(ResetLinkLimiters::new(true).window(), Some(DAY));
        assert_eq!(ResetLinkLimiters::new(false).window(), None);
    }
}

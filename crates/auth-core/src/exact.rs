//! The exact points that an operator has switched on.

use crate::ExactPoint;

/// A set of exact points.
///
/// ```
/// use auth_core::{Exact, ExactPoint};
///
/// const CODE_REPLAY: ExactPoint = ExactPoint::new("code-replay");
/// let exact = Exact::only([CODE_REPLAY]);
/// assert!(exact.has(CODE_REPLAY));
/// assert!(!Exact::default().has(CODE_REPLAY));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exact(Vec<ExactPoint>);

impl Exact {
    /// The points given.
    #[must_use]
    pub fn only(points: impl IntoIterator<Item = ExactPoint>) -> Self {
        Self(points.into_iter().collect())
    }

    /// Whether a point is switched on.
    #[must_use]
    pub fn has(&self, point: ExactPoint) -> bool {
        self.0.contains(&point)
    }

    /// Whether no point is switched on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

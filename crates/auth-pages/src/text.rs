//! Tables of texts: one for each language, which the compiler checks to be whole.

mod german;

pub use german::COMMON_GERMAN;

/// Defines sections of a table of texts, each a structure whose fields are texts.
///
/// ```
/// auth_pages::texts! {
///     pub(crate) Greeting { hello, goodbye }
/// }
/// let greeting = Greeting { hello: "Hello", goodbye: "Goodbye" };
/// assert_eq!(greeting.all(), [("Greeting.hello", "Hello"), ("Greeting.goodbye", "Goodbye")]);
/// ```
#[macro_export]
macro_rules! texts {
    ($($visible:vis $name:ident { $($text:ident),* $(,)? })*) => {
        $(
            #[doc = concat!("The section `", stringify!($name), "` of a table of texts.")]
            #[derive(Debug)]
            #[expect(clippy::exhaustive_structs, reason = "each language fills every field")]
            $visible struct $name {
                $(
                    #[doc = concat!("The text `", stringify!($text), "`.")]
                    $visible $text: &'static str,
                )*
            }

            impl $name {
                /// All texts with their names.
                #[must_use]
                $visible fn all(&self) -> Vec<(&'static str, &'static str)> {
                    vec![$((concat!(stringify!($name), ".", stringify!($text)), self.$text)),*]
                }
            }
        )*
    };
}

texts! {
    pub Common { skip, account, sign_out, error, go_on, cancel, on, off, shown_once, overview }
}

/// The texts of every page in English.
pub const COMMON: Common = Common {
    skip: "Skip to content",
    account: "Your account",
    sign_out: "Sign out",
    error: "Error:",
    go_on: "Continue",
    cancel: "Cancel",
    on: "On",
    off: "Off",
    shown_once: "This is shown once. Keep it now.",
    overview: "Overview",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        for ((name, english), (_, german)) in COMMON.all().into_iter().zip(COMMON_GERMAN.all()) {
            assert!(!english.is_empty() && !german.is_empty() && english != german, "{name}");
        }
    }
}

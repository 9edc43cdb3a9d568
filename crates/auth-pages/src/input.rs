//! A field of a form with its label, its hint and its error.

/// A field.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "pages build it, templates take it apart")]
pub struct Input<'a> {
    /// Unlike any other id of the page.
    pub id: &'static str,
    /// The name under which the form sends it.
    pub name: &'static str,
    /// What stands above it.
    pub label: &'a str,
    /// What it takes.
    pub kind: Kind,
    /// What browsers may fill in.
    pub autocomplete: &'static str,
    /// An explanation; empty for none.
    pub hint: &'a str,
    /// What is wrong with it; empty for nothing.
    pub error: &'a str,
    /// What was typed before.
    pub value: &'a str,
    /// Whether the error at the head of the page is about this field.
    pub has_problem: bool,
    /// Whether the field may be left empty.
    pub is_optional: bool,
    /// Whether rules that the value breaks stand at the head of the page.
    pub breaks_rules: bool,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has its keyboard and its length")]
pub enum Kind {
    /// Words.
    Text,
    /// A login name.
    Name,
    /// An e-mail address.
    Address,
    /// A password.
    Password,
    /// The digits of an app or a mail.
    Digits,
    /// Digits, or the letters of a backup code.
    Code,
}

impl Kind {
    /// The type of the input.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Text | Self::Name | Self::Digits | Self::Code => "text",
            Self::Address => "email",
            Self::Password => "password",
        }
    }

    /// The keyboard that a phone shows.
    #[must_use]
    pub fn mode(self) -> &'static str {
        if self == Self::Digits { "numeric" } else { "text" }
    }

    /// The longest value, in UTF-16 units, as browsers count.
    #[must_use]
    pub fn longest(self) -> u32 {
        match self {
            Self::Password => 4096,
            Self::Digits | Self::Code => 64,
            Self::Text | Self::Name | Self::Address => 320,
        }
    }
}

impl<'a> Input<'a> {
    /// An empty field, whose name is its id.
    #[must_use]
    pub fn new(name: &'static str, label: &'a str, kind: Kind, autocomplete: &'static str) -> Self {
        Self {
            id: name,
            name,
            label,
            kind,
            autocomplete,
            hint: "",
            error: "",
            value: "",
            has_problem: false,
            is_optional: false,
            breaks_rules: false,
        }
    }

    /// A field for a code of a second factor.
    #[must_use]
    pub fn code(label: &'a str, kind: Kind, hint: &'a str) -> Self {
        Self::new("code", label, kind, "one-time-code").hint(hint)
    }

    /// Lets the field be left empty, where it is.
    #[must_use]
    pub fn optional(self, is_optional: bool) -> Self {
        Self { is_optional, ..self }
    }

    /// Explains the field.
    #[must_use]
    pub fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// Says what is wrong with the field, if anything is.
    #[must_use]
    pub fn error(self, error: &'a str) -> Self {
        Self { error, ..self }
    }

    /// Shows what was typed before.
    #[must_use]
    pub fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    /// Ties the field to the error at the head of the page, if there is one.
    #[must_use]
    pub fn problem(self, problem: &str) -> Self {
        Self { has_problem: !problem.is_empty(), ..self }
    }

    /// Ties the field to the rules at the head of the page, if it breaks any.
    #[must_use]
    pub fn rules(self, breaks_rules: bool) -> Self {
        Self { breaks_rules, ..self }
    }

    /// Whether something is wrong with the field.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        !self.error.is_empty()
    }

    /// Whether the field takes a code.
    #[must_use]
    pub fn is_code(&self) -> bool {
        matches!(self.kind, Kind::Digits | Kind::Code)
    }

    /// Whether a phone shall leave letters as they are typed.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.kind == Kind::Name || self.is_code()
    }

    /// The ids of what is said about the field.
    #[must_use]
    pub fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.is_wrong().then(|| format!("{}-error", self.id));
        let problem = self.has_problem.then(|| "problem".to_owned());
        let rules = self.breaks_rules.then(|| "rules".to_owned());
        [hint, error, problem, rules].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

//! What a command says where no realm has the name that was meant.

/// The sentence that names the realms that there are, where one of another name was meant.
pub(super) fn unknown<'a>(slug: &str, there: impl Iterator<Item = &'a str>) -> String {
    let slugs: Vec<String> = there.map(|slug| format!("`{slug}`")).collect();
    let there = match slugs.as_slice() {
        [] => "there is none yet".to_owned(),
        [one] => format!("there is {one}"),
        several => format!("there are {}", several.join(", ")),
    };
    format!("there is no realm `{}`: {there}", slug.escape_debug())
}

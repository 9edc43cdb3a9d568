//! Texts with places to fill.

/// A text with its places filled, in order. A place is `{}`; what fills it is never read for places.
#[must_use]
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for part in parts {
        filled.push_str(values.next().copied().unwrap_or_default());
        filled.push_str(part);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        assert_eq!(fill("a {} b {} c", &["{}", "2"]), "a {} b 2 c");
        assert_eq!(fill("{}{}", &["1"]), "1");
        assert_eq!(fill("none", &["1"]), "none");
    }
}

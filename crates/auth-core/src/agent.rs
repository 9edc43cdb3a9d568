//! What a `User-Agent` tells of a program, in the words that people know.

/// Browsers by a part of their `User-Agent`, which also names others that came before them: the first that is there counts.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems in the same way.
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iOS", "iOS"),
    ("Mac", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The name of the program, and that of the system where one is known. A browser is called as its users call it; of any
/// other program it is the first word, with the version.
///
/// ```
/// use auth_core::program_and_system;
///
/// let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
/// assert_eq!(program_and_system(firefox), ("Firefox".to_owned(), Some("Linux")));
/// assert_eq!(program_and_system("curl/8.5.0"), ("curl 8.5.0".to_owned(), None));
/// ```
#[must_use]
pub fn program_and_system(agent: &str) -> (String, Option<&'static str>) {
    let first_in = |table: &[(&str, &'static str)]| {
        table.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    let browser = if agent.starts_with("Mozilla/") { first_in(&BROWSERS) } else { None };
    let first_word = || agent.split_whitespace().next().unwrap_or_default().replacen('/', " ", 1);
    (browser.map_or_else(first_word, str::to_owned), first_in(&SYSTEMS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn programs_are_called_as_their_users_call_them() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, program, system) in [
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/126.0.0.0 Safari/537.36"), "Chrome", Some("Windows")),
            (format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/126.0 Safari/537.36 Edg/126.0"), "Edge", Some("Windows")),
            (format!("Mozilla/5.0 (Linux; Android 14; K) {webkit} Chrome/126.0 Mobile Safari/537.36"), "Chrome", Some("Android")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1".to_owned(), "Safari", Some("iOS")),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0".to_owned(), "Firefox", Some("macOS")),
            ("ZulipFlutter/30.0.274+274 (Android 14)".to_owned(), "ZulipFlutter 30.0.274+274", Some("Android")),
            ("python-requests/2.31.0".to_owned(), "python-requests 2.31.0", None),
            ("Mozilla/5.0".to_owned(), "Mozilla 5.0", None),
            (String::new(), "", None),
        ] {
            assert_eq!(program_and_system(&agent), (program.to_owned(), system), "{agent}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_a_part_of_what_was_sent_or_of_the_table(agent in ".{0,80}") {
            let (program, _) = program_and_system(&agent);
            let is_known = BROWSERS.iter().any(|(_, name)| *name == program);
            let is_there = agent.replacen('/', " ", 1).contains(&program);
            prop_assert!(is_known || is_there);
        }
    }
}

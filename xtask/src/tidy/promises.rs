//! The tests behind SECURITY.md and the table of reports: each promise there names the tests that hold it, and each of
//! those must exist.
//!
//! A promise is a row of a table whose last column is headed `test`; its last cell holds names of tests in backquotes.

use std::collections::BTreeSet;

/// The head of the column that names tests.
const TEST_COLUMN: &str = "test";

/// Promises without a test, and names that no test has. `name` is the file's.
pub(super) fn findings(name: &str, text: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (number, line) in (1..).zip(text.lines()) {
        let Some(cell) = last_cell(line) else {
            in_table = false;
            continue;
        };
        if !in_table {
            in_table = cell == TEST_COLUMN;
            continue;
        }
        if !cell.is_empty() && cell.bytes().all(|byte| matches!(byte, b'-' | b':')) {
            continue;
        }
        let cited: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if cited.is_empty() {
            found.push(format!("{name}, line {number}: a promise without a test"));
        }
        let missing = cited.into_iter().filter(|test| !tests.contains(*test));
        found.extend(missing.map(|test| format!("{name}, line {number}: there is no test {test}")));
    }
    found
}

/// The last cell of a table's row.
fn last_cell(line: &str) -> Option<&str> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.rsplit('|').next().unwrap_or(row).trim())
}

/// The names of the tests in a file: functions with an attribute whose name ends in `test`, and those that the battery of
/// stores makes tests of.
pub(super) fn tests_of(text: &str) -> impl Iterator<Item = String> {
    let mut is_test = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with("#[") || line.starts_with("//") {
            is_test |= is_test_attribute(line);
            return None;
        }
        let is_test = std::mem::take(&mut is_test) || is_of_battery(line);
        is_test.then(|| function_name(line).map(str::to_owned))?
    })
}

fn is_test_attribute(line: &str) -> bool {
    let attribute = line.strip_prefix("#[").and_then(|line| line.split(['(', ']']).next());
    attribute.is_some_and(|path| path == "test" || path.ends_with("::test"))
}

fn is_of_battery(line: &str) -> bool {
    line.starts_with("pub async fn ") && line.contains("<F: Fixture>(fixture: &F)")
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_functions_with_the_attribute_of_a_test() {
        let text = "#[test]\nfn one() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\n// Slow.\n#[expect(x)]\n\
            async fn two() {}\nfn helper() {}\n#[cfg(test)]\nmod tests {\n    proptest! {\n        #[test]\n        \
            fn three(a in 0..1) {}\n    }\n}\n#[must_use]\nfn other() {}\npub async fn four<F: Fixture>(fixture: &F) {}\n\
            pub async fn helper() {}\n";
        assert_eq!(tests_of(text).collect::<Vec<_>>(), ["one", "two", "three", "four"]);
    }

    #[test]
    fn each_promise_names_tests_that_exist() {
        let tests = BTreeSet::from(["one".to_owned(), "two".to_owned()]);
        let of = |rows: &str| {
            findings(
                "S.md",
                &format!("Words `three`.\n\n| promise | test |\n| --- | --- |\n{rows}\n"),
                &tests,
            )
        };
        assert_eq!(of("| a | `one` |\n| b | `two`, `one` |"), Vec::<String>::new());
        assert_eq!(of("| `x` is kept | `three` |"), ["S.md, line 5: there is no test three"]);
        assert_eq!(of("| a | `one`, `three` |"), ["S.md, line 5: there is no test three"]);
        assert_eq!(of("| a | |\n| b | by hand |").len(), 2, "promises without a test");
        let other = "| word | meaning |\n| --- | --- |\n| `a` | `three` |\n";
        assert_eq!(findings("S.md", other, &tests), Vec::<String>::new());
        assert_eq!(of(&format!("| a | `one` |\n\n{other}")), Vec::<String>::new(), "another table");
    }
}

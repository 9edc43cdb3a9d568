//! Reports of measurements: text for the terminal, Markdown and bar charts for the documentation.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::neighbours::Ticks;
use crate::rounds::Measured;

/// The tables and goals of one run.
///
/// ```
/// use benches::report::Report;
///
/// let mut report = Report::default();
/// report.at_least("one hash against `argon2`", 1.5, 1.6);
/// assert!(report.markdown("example").contains("| one hash against `argon2` | ≥ 1.5× | 1.60× |"));
/// ```
#[derive(Debug)]
pub struct Report {
    began: Ticks,
    goals: Vec<Goal>,
    tables: Vec<Table>,
    /// What was measured, of what, and each sample.
    samples: Vec<(String, Measured)>,
}

impl Default for Report {
    /// An empty report, which begins now.
    fn default() -> Self {
        Self { began: Ticks::now(), goals: Vec::new(), tables: Vec::new(), samples: Vec::new() }
    }
}

/// A goal and the result.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "programs build it field by field")]
pub struct Goal {
    /// What is measured.
    pub what: String,
    /// The goal, in words.
    pub wanted: String,
    /// The result, in words.
    pub found: String,
    /// Whether the result reaches the goal.
    pub reached: bool,
}

/// A table under a heading.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "programs build it field by field")]
pub struct Table {
    /// The heading.
    pub title: String,
    /// The names of the columns. The first column holds the names of the rows.
    pub columns: Vec<String>,
    /// The rows: the name and the other cells of each.
    pub rows: Vec<(String, Vec<String>)>,
    /// The bar chart, if any: a number for each row, and the unit.
    pub bars: Option<(Vec<f64>, &'static str)>,
}

impl Report {
    /// Adds a goal of at least `wanted` times, with the result `found`.
    pub fn at_least(&mut self, what: impl Into<String>, wanted: f64, found: f64) {
        self.goals.push(Goal {
            what: what.into(),
            wanted: format!("≥ {wanted}×"),
            found: format!("{found:.2}×"),
            reached: found >= wanted,
        });
    }

    /// Adds a goal of at most `wanted` times, with the result `found`.
    pub fn at_most(&mut self, what: impl Into<String>, wanted: f64, found: f64) {
        self.goals.push(Goal {
            what: what.into(),
            wanted: format!("≤ {wanted}×"),
            found: format!("{found:.2}×"),
            reached: found <= wanted,
        });
    }

    /// Adds a goal.
    pub fn goal(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Keeps the samples behind a table.
    pub fn samples(&mut self, title: &str, measured: &[Measured]) {
        self.samples.extend(measured.iter().map(|one| (title.to_owned(), one.clone())));
    }

    /// The report as text in columns: the tables, then the goals.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            put(&mut text, format_args!("\n{}\n", table.title));
            let head = table.columns.split_first();
            for (name, cells) in
                head.into_iter().chain(table.rows.iter().map(|(name, cells)| (name, &cells[..])))
            {
                put(&mut text, format_args!("{name:44}"));
                cells.iter().for_each(|cell| put(&mut text, format_args!(" {cell:>16}")));
                text.push('\n');
            }
        }
        if !self.goals.is_empty() {
            put(&mut text, format_args!("\n{:76} {:>10} {:>14}\n", "goal", "wanted", "found"));
        }
        for goal in &self.goals {
            let missed = if goal.reached { "" } else { "  missed" };
            put(&mut text, format_args!("{:76} {:>10} {:>14}{missed}\n", goal.what, goal.wanted, goal.found));
        }
        put(&mut text, format_args!("\n{}\n", self.began.neighbours(Ticks::now())));
        text
    }

    /// The report in Markdown: the goals under the heading [`GOALS`], then the tables.
    #[must_use]
    pub fn markdown(&self, name: &str) -> String {
        let mut text =
            format!("# Bench: {name}\n\nWritten by `cargo xtask bench`; see docs/speed.md. {}\n", machine());
        put(&mut text, format_args!("{}\n", self.began.neighbours(Ticks::now())));
        if !self.goals.is_empty() {
            put(&mut text, format_args!("\n{GOALS}\n\n| what | goal | measured |\n| --- | --- | --- |\n"));
        }
        for goal in &self.goals {
            let missed = if goal.reached { "" } else { " (missed)" };
            put(&mut text, format_args!("| {} | {} | {}{missed} |\n", goal.what, goal.wanted, goal.found));
        }
        for table in &self.tables {
            put(&mut text, format_args!("\n## {}\n\n| {} |\n", table.title, table.columns.join(" | ")));
            put(&mut text, format_args!("|{}\n", " --- |".repeat(table.columns.len())));
            for (name, cells) in &table.rows {
                put(&mut text, format_args!("| {name} | {} |\n", cells.join(" | ")));
            }
        }
        text
    }

    /// The bar charts in one SVG image, one below the other. `None` if no table has one.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        const ROW: f64 = 22.0;
        const LEFT: f64 = 330.0;
        const WIDEST: f64 = 430.0;
        let mut body = String::new();
        let mut y = 0.0;
        for table in &self.tables {
            let Some((numbers, unit)) = &table.bars else { continue };
            let largest = numbers.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
            y += 1.6 * ROW;
            put(
                &mut body,
                format_args!(
                    "<text x=\"8\" y=\"{y}\" font-weight=\"bold\">{}</text>\n",
                    escaped(&table.title)
                ),
            );
            for ((name, _), number) in table.rows.iter().zip(numbers) {
                y += ROW;
                let width = number / largest * WIDEST;
                let color = if name.starts_with("auth-") { "#2b6cb0" } else { "#a0aec0" };
                let (top, end) = (y - 14.0, LEFT + width + 6.0);
                put(
                    &mut body,
                    format_args!(
                        "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n<rect x=\"{LEFT}\" y=\"{top}\" \
                         width=\"{width:.1}\" height=\"16\" fill=\"{color}\"/>\n<text x=\"{end:.1}\" \
                         y=\"{y}\">{number:.2} {unit}</text>\n",
                        LEFT - 8.0,
                        escaped(name)
                    ),
                );
            }
        }
        let height = y + ROW;
        (!body.is_empty()).then(|| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"880\" height=\"{height}\" \
                 font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"880\" height=\"{height}\" \
                 fill=\"#ffffff\"/>\n{body}</svg>\n"
            )
        })
    }

    /// All samples, a line each: what was measured, of what, and the seconds of one operation.
    ///
    /// # Errors
    /// None in practice: a text takes any number of lines.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(["table", "row", "seconds"])?;
        for (title, measured) in &self.samples {
            for seconds in &measured.seconds {
                lines.write_record([title, &measured.name, &format!("{seconds:.4e}")])?;
            }
        }
        Ok(lines.into_inner()?)
    }

    /// Writes `NAME.md` into a folder, `NAME.svg` if a table has bars, and `NAME.csv` if there are samples. Creates the folder if
    /// necessary.
    ///
    /// # Errors
    /// An error if a file can't be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        std::fs::write(folder.join(format!("{name}.md")), self.markdown(name))?;
        if let Some(svg) = self.svg() {
            std::fs::write(folder.join(format!("{name}.svg")), svg)?;
        }
        if !self.samples.is_empty() {
            std::fs::write(folder.join(format!("{name}.csv")), self.csv()?)?;
        }
        Ok(())
    }
}

/// The heading of the table of goals. `cargo xtask bench` copies the table into docs/speed.md.
pub const GOALS: &str = "## Goals";

/// The processor, the number of cores and the kernel in use, as far as the system tells.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = auth_argon2::Kernel::detect().name();
    format!("Machine: {}, {cores} cores, instructions: {kernel}.", model.unwrap_or("unknown processor"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = text.write_fmt(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_text_markdown_and_bars() {
        let mut report = Report::default();
        report.at_least("ours against theirs", 1.25, 1.3);
        report.at_most("slowest", 3.0, 4.0);
        report.table(Table {
            title: "m < n".into(),
            columns: vec!["".into(), "ms".into()],
            rows: vec![("auth-argon2".into(), vec!["1.00".into()]), ("other".into(), vec!["2.00".into()])],
            bars: Some((vec![1.0, 2.0], "ms")),
        });
        let markdown = report.markdown("test");
        for line in [
            "| ours against theirs | ≥ 1.25× | 1.30× |",
            "| slowest | ≤ 3× | 4.00× (missed) |",
            "| other | 2.00 |",
        ] {
            assert!(markdown.lines().any(|found| found == line), "{markdown}");
        }
        assert!(report.text().contains("missed"));
        assert!(markdown.contains("While it ran, other processes took "), "{markdown}");
        report.samples("m < n, two", &[Measured { name: "ours".into(), seconds: vec![0.00123456, 2.0] }]);
        let csv = String::from_utf8(report.csv().unwrap()).unwrap();
        assert_eq!(csv, "table,row,seconds\n\"m < n, two\",ours,1.2346e-3\n\"m < n, two\",ours,2.0000e0\n");
        let svg = report.svg().unwrap();
        assert!(svg.contains("m &lt; n") && svg.matches("<rect").count() == 3);
    }
}

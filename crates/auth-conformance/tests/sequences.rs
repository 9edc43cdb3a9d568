//! Clients' ways from their first contact to a working session, step by step, against the built server.

use auth_conformance::{ExpectedFailures, Options, sequence, server_binary};

/// Tests run side by side on few cores.
const PATIENCE: f64 = 10.0;

#[test]
fn every_sequence_ends_in_a_working_session() {
    let options = Options { patience: PATIENCE, ..Options::new(server_binary().unwrap()) };
    let report = sequence::run(&options).unwrap();
    assert!(report.verdicts().len() >= 16, "only {} sequences were run", report.verdicts().len());
    let surprises = report.surprises(&ExpectedFailures::default());
    assert!(surprises.is_empty(), "\n{surprises}");
}

#[test]
fn clients_that_are_said_to_be_driven_have_their_tests() {
    let tests = ["zulip_clients", "ddp_clients", "rocketchat_clients", "clients"].map(|name| {
        let path = format!("{}/tests/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    });
    let mut driven = 0;
    for (name, sequence) in sequence::read(&Options::new("unused".into())).unwrap() {
        let Some(test) = sequence.driven_by else { continue };
        driven += 1;
        let is_there = tests.iter().any(|text| text.contains(&format!("fn {test}()")));
        assert!(is_there, "{name}: there is no test {test}");
    }
    assert!(driven >= 6, "only {driven} clients are driven");
}

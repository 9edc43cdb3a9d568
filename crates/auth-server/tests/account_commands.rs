//! The built binary's commands for app passwords, authenticator apps, directories and the cost of hashes.
#![cfg(test)]

#[path = "common/workspace.rs"]
mod workspace;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use auth_server::config::Config;

use crate::workspace::{Workspace, arguments, text};

#[test]
fn app_passwords_are_made_listed_and_revoked() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let add = |more: &str| workspace.succeed(&arguments(&format!("user app-password add iago {more}")), "");
    let list = || workspace.succeed(&arguments("user app-password list iago"), "");
    assert_eq!(list(), "");
    let password = add("--name phone --protocol zulip --protocol zettelstore --until 2999-12-31");
    assert_eq!(password.trim_end().len(), 24, "{password}");
    assert_ne!(add("--name everything"), password);
    let listed: Vec<serde_json::Value> =
        list().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed[0]["doors"], serde_json::json!(["zulip", "zettelstore"]));
    assert_eq!(listed[0]["ends"], "3000-01-01T00:00:00Z");
    assert_eq!(listed[1]["name"], "everything");
    assert_eq!(
        listed[1]["doors"],
        serde_json::json!(["zulip", "zettelstore", "forward"]),
        "all that a person's can be for"
    );
    assert!(!list().contains(password.trim_end()));
    add("--name tablet --door zettelstore");
    let tablet = list().lines().find(|line| line.contains("tablet")).unwrap().to_owned();
    assert!(tablet.contains("\"doors\":[\"zettelstore\"]"), "the older name of --protocol: {tablet}");

    let bad = |line: &str| workspace.fail(&arguments(line), "");
    assert_eq!(
        bad("user app-password add iago --name chat --protocol rocketchat"),
        "the rocketchat protocol can ask for a second factor: there only bots have app passwords"
    );
    assert_eq!(bad("user app-password add iago --name phone"), "there is an app password `phone` already");
    assert_eq!(bad("user app-password add iago --name old --until 2001-01-01"), "--until is in the past");
    assert_eq!(workspace.succeed(&arguments("user app-password revoke iago --name phone"), ""), "revoked\n");
    assert_eq!(bad("user app-password revoke iago --name phone"), "there is no app password `phone`");
    assert_eq!(list().lines().count(), 2);
}

/// The code that an independent implementation shows for an otpauth address now.
fn oathtool(url: &str) -> String {
    let secret = url.split_once("secret=").unwrap().1;
    let secret = secret.split('&').next().unwrap().trim_end();
    let output = Command::new("oathtool").args(["--totp", "--base32", secret]).output().unwrap();
    text(&output.stdout).trim_end().to_owned()
}

#[test]
fn device_is_shown_enrolled_by_its_first_code_and_removed() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let enrolled = || workspace.succeed(&arguments("user show iago"), "").contains("\"second_factor\":true");
    let enroll = arguments("user totp enroll iago");

    let mut child = Command::new(env!("CARGO_BIN_EXE_auth-server"))
        .args(&enroll)
        .current_dir(workspace.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut url = String::new();
    out.read_line(&mut url).unwrap();
    assert!(url.starts_with("otpauth://totp/auth-server%3Aiago?secret="), "{url}");
    assert!(!enrolled());
    writeln!(child.stdin.take().unwrap(), "{}", oathtool(&url)).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success() && enrolled(), "{rest}");
    let picture = rest.lines().filter(|line| line.contains('\u{2588}'));
    assert!(picture.count() > 10, "{rest}");
    assert_eq!(rest.lines().rev().take_while(|line| line.len() == 8).count(), 12, "{rest}");

    let output = workspace.run(&enroll, "000000\n");
    assert_eq!(text(&output.stderr), "auth-server: the code is wrong: nothing was changed\n");
    assert_eq!(workspace.succeed(&arguments("user totp disable iago"), ""), "disabled\n");
    assert!(!enrolled());
    assert_eq!(workspace.fail(&arguments("user totp disable iago"), ""), "the user has no device");
    workspace.succeed(&arguments("user totp enroll iago --without-code"), "");
    assert!(enrolled());
}

#[test]
fn ldap_sync_refuses_when_no_realm_asks_a_directory() {
    let workspace = Workspace::new();
    workspace.configure("[ldap.corp]\nservers = [\"ldap://127.0.0.1:1\"]\nbase = \"dc=example,dc=org\"");
    let left = r#"{"kind":"user","realm":"main","username":"left","directory_name":"no-such-entry"}"#;
    let users = std::fs::read_to_string(workspace.path("users.jsonl")).unwrap();
    workspace.write("users.jsonl", &format!("{users}{left}\n"));
    workspace.succeed(&arguments("import users.jsonl"), "");
    for line in ["ldap sync", "ldap sync --dry-run", "ldap sync --allow-many"] {
        let told = workspace.fail(&arguments(line), "");
        assert_eq!(told, "no realm asks a directory: there is nothing to do", "{line}");
    }
    assert!(workspace.succeed(&arguments("user show left"), "").contains("\"active\":true"));
}

#[test]
fn tune_proposes_parameters_for_the_machine_and_writes_them() {
    let workspace = Workspace::new();
    // One hash at a time, and memory for the smallest setting alone.
    workspace.configure("iterations = 1 # ours\nworkers = 1\ninterleave = 1\nmemory_budget_mib = 20");
    let tune = ["passwords", "tune", "--config", "auth.toml", "--target", "300ms"];
    let before = std::fs::read_to_string(workspace.path("auth.toml")).unwrap();
    let told = workspace.succeed(&tune, "");
    assert!(told.starts_with("up to 1 threads with up to 1 hashes each side by side"), "{told}");
    assert!(told.contains("now: memory_kib = 64, iterations = 1"), "{told}");
    assert_eq!(told.lines().filter(|line| line.trim_start().starts_with("19 MiB")).count(), 1, "{told}");
    assert_eq!(told.lines().filter(|line| line.contains("1 × 1")).count(), 1, "what gets most done: {told}");
    assert!(told.contains("proposed: memory_kib = 19456, iterations = "), "{told}");
    assert_eq!(std::fs::read_to_string(workspace.path("auth.toml")).unwrap(), before, "not unless told to");

    let told = workspace.succeed(&[&tune[..], &["--write"]].concat(), "");
    assert!(told.contains("written to auth.toml"), "{told}");
    let config = Config::load(&workspace.path("auth.toml"), &[]).unwrap();
    assert_eq!(config.passwords.memory_kib, 19_456);
    assert!(config.passwords.iterations >= 2);
    assert!(std::fs::read_to_string(workspace.path("auth.toml")).unwrap().contains(" # ours\n"));

    workspace.configure("memory_budget_mib = 20\nworkers = 2\ninterleave = 1");
    let refused = workspace.run(&tune, "");
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("OWASP's smallest setting is 19 MiB"), "{said}");
}

#[test]
fn commands_print_no_control_characters_of_names() {
    const HOSTILE: &str = r"\u001b[2J\u009b31m\u202eevil\u2066\u007f\r";
    let workspace = Workspace::new();
    let user = format!(
        r#"{{"kind":"user","realm":"main","username":"eve","full_name":"{HOSTILE}","password":"tractor-violin-1234","rocketchat_tokens":[{{"digest":"LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=","name":"{HOSTILE}"}}],"{HOSTILE}":1}}"#
    );
    workspace.write("hostile.jsonl", &user);
    workspace.succeed(&arguments("import users.jsonl"), "");
    let printed = |line: &str| {
        let output = workspace.run(&arguments(line), "");
        text(&output.stdout) + &text(&output.stderr)
    };
    let unnamed = |name: &str| workspace.run(&["user", "show", "--config", "auth.toml", name], "");
    let hostile: String = serde_json::from_str(&format!("\"{HOSTILE}\"")).unwrap();
    for (shown, part) in [
        (printed("import hostile.jsonl"), "imported"),
        (printed("user list"), "evil"),
        (printed("user show eve"), "evil"),
        (printed("token list eve"), "evil"),
        (printed("export"), "evil"),
        (text(&unnamed(&hostile).stderr), "no such user"),
        (printed(&format!("import {}", hostile.replace(' ', ""))), "No such file"),
    ] {
        assert!(shown.contains(part), "{part}: {shown:?}");
        let control = shown.chars().find(|c| auth_core::is_control(*c) && *c != '\n');
        assert_eq!(control, None, "{shown:?}");
    }
    // Where names are data, they come back as they were.
    let line = printed("user show eve");
    let shown: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(shown["full_name"], hostile.as_str());
}

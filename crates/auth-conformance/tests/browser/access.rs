//! Pages for everybody: of any sight, on any screen, by keyboard alone.

use auth_conformance::browser::{Browser, Scripts};
use auth_conformance::pages::{PASSWORD, STOPS, tour};
use auth_conformance::server_binary;

use crate::fixtures::with_and_without_scripts;

#[test]
fn every_page_is_free_of_barriers_and_of_complaints() {
    let browser = Browser::start().unwrap();
    let (mut visited, mut found) = (Vec::new(), Vec::new());
    tour(&server_binary().unwrap(), &browser, Scripts::On, &mut |name, window| {
        visited.push(name);
        let problems = [window.barriers()?, window.complaints()?].concat();
        found.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
        Ok(())
    })
    .unwrap();
    assert_eq!(found, Vec::<String>::new(), "{}", found.join("\n"));
    let stops: Vec<_> = STOPS.iter().map(|stop| stop.name).collect();
    assert_eq!(visited, stops);
}

#[test]
fn everything_on_every_page_is_reached_by_keyboard_in_the_order_of_the_page() {
    let browser = Browser::start().unwrap();
    tour(&server_binary().unwrap(), &browser, Scripts::Off, &mut |name, window| {
        let keyboard = window.keyboard()?;
        assert!(keyboard.there.len() > 1, "{name}: {keyboard:?}");
        assert_eq!(keyboard.reached, keyboard.there, "{name}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn person_signs_in_by_keyboard_alone() {
    with_and_without_scripts(|_, window, name| {
        window.go("/sign-in").unwrap();
        // Past the link to the content and the name of the site.
        for _ in 0..3 {
            window.key("Tab").unwrap();
        }
        window.type_text(name).unwrap();
        window.key("Tab").unwrap();
        window.type_text(PASSWORD).unwrap();
        let account = window.enter().unwrap();
        assert_eq!((account.status, account.path.as_str()), (200, "/account"), "{account:?}");
    });
}

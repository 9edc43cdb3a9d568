//! The texts of every page in German.

use super::Common;

/// The texts of every page in German.
pub const COMMON_GERMAN: Common = Common {
    skip: "Zum Inhalt",
    account: "Ihr Konto",
    sign_out: "Abmelden",
    error: "Fehler:",
    go_on: "Weiter",
    cancel: "Abbrechen",
    on: "Ein",
    off: "Aus",
    shown_once: "Dies wird nur einmal gezeigt. Bewahren Sie es jetzt auf.",
    overview: "Übersicht",
};

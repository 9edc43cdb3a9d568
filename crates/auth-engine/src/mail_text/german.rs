//! The texts in German.

use super::table::{MailText, ResetAnswerText, Texts};

/// The texts in German.
pub(super) static GERMAN: Texts = Texts {
    moment: |at| format!("{:02}.{:02}.{:04}, {:02}:{:02} UTC", at.day, at.month, at.year, at.hour, at.minute),
    password_reset: MailText {
        subject: "Passwort zurücksetzen",
        text: "Jemand möchte für Ihr Konto ein neues Passwort festlegen. Das geht hier, innerhalb einer Stunde:\n\n\
               {}\n\nWenn Sie das nicht waren, brauchen Sie nichts zu tun.",
    },
    address_proof: MailText {
        subject: "Bestätigen Sie Ihre E-Mail-Adresse",
        text: "Bitte bestätigen Sie, dass dies Ihre E-Mail-Adresse ist. Öffnen Sie dafür innerhalb eines Tages diese \
               Seite:\n\n{}\n\nWenn Sie hier kein Konto haben, brauchen Sie nichts zu tun.",
    },
    address_change: MailText {
        subject: "Bestätigen Sie Ihre neue E-Mail-Adresse",
        text: "Bitte bestätigen Sie, dass dies die E-Mail-Adresse Ihres Kontos werden soll. Öffnen Sie dafür innerhalb \
               eines Tages diese Seite:\n\n{}\n\nWenn Sie hier kein Konto haben, brauchen Sie nichts zu tun.",
    },
    code: MailText {
        subject: "Ihr Code zum Anmelden",
        text: "Ihr Code zum Anmelden ist {}.\n\nEr gilt für eine Anmeldung.",
    },
    password_changed: MailText {
        subject: "Ihr Passwort wurde geändert",
        text: "Das Passwort Ihres Kontos wurde geändert.",
    },
    password_set_anew: MailText {
        subject: "Ihr Passwort wurde geändert",
        text: "Das Passwort Ihres Kontos wurde mit einem Link neu festgelegt.",
    },
    device_added: MailText {
        subject: "Der zweite Schritt beim Anmelden wurde eingeschaltet",
        text: "Ihr Konto hat jetzt eine Authenticator-App. Von nun an wird beim Anmelden nach ihrem Code gefragt.",
    },
    device_removed: MailText {
        subject: "Der zweite Schritt beim Anmelden wurde ausgeschaltet",
        text: "Die Authenticator-App wurde von Ihrem Konto entfernt.",
    },
    device_reset: MailText {
        subject: "Der zweite Schritt beim Anmelden wurde ausgeschaltet",
        text: "Die Verwaltung dieses Servers hat die Authenticator-App von Ihrem Konto entfernt.",
    },
    device_removal_held: MailText {
        subject: "Die Anmeldung in zwei Schritten soll ausgeschaltet werden",
        text: "Der Helpdesk wurde gebeten, die Authenticator-App von Ihrem Konto zu entfernen. Sie wird nach dem Zeitpunkt \
               {} entfernt.\n\n\
               Wenn Sie das nicht waren, melden Sie sich vorher mit einem Code der App an: Dann bleibt die App.",
    },
    mailed_codes_on: MailText {
        subject: "Codes per E-Mail wurden eingeschaltet",
        text: "Von nun an kommt ein Code per E-Mail, wenn sich jemand bei Ihrem Konto anmeldet.",
    },
    mailed_codes_off: MailText {
        subject: "Codes per E-Mail wurden ausgeschaltet",
        text: "Es kommt kein Code mehr per E-Mail, wenn sich jemand bei Ihrem Konto anmeldet.",
    },
    app_password_made: MailText {
        subject: "Ein App-Passwort wurde erstellt",
        text: "Für Ihr Konto wurde ein App-Passwort mit dem Namen „{}“ erstellt.",
    },
    address_changed: MailText {
        subject: "Ihre E-Mail-Adresse wurde geändert",
        text: "Die E-Mail-Adresse Ihres Kontos ist von nun an {}.",
    },
    new_place: MailText {
        subject: "Ihr Konto wurde von einem neuen Ort aus benutzt",
        text: "Jemand hat sich bei Ihrem Konto von {} aus angemeldet, von wo das noch niemand getan hatte.",
    },
    notice_end: "Wann: {}\n\nWenn Sie das waren, brauchen Sie nichts zu tun. Wenn nicht, legen Sie jetzt ein neues \
                 Passwort fest:\n\n{}",
    reset_answer: ResetAnswerText {
        subject: "Neues Passwort für {}",
        begin: "Jemand hat ein neues Passwort für {} bei {} angefordert:\n\n{}",
        link: "Legen Sie es hier fest, innerhalb von drei Tagen:\n\n{}",
        deactivated: "Ihr Konto dort ist deaktiviert. Die Verwaltung der Organisation kann es wieder aktivieren.",
        no_account: "Dort gibt es kein Konto mit dieser Adresse.",
        elsewhere: "Dort gibt es kein Konto mit dieser Adresse, aber eines bei:\n\n{}",
        end: "Wenn Sie es nicht waren, ist nichts zu tun.",
    },
};

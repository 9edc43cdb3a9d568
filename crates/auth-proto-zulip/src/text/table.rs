//! The table of texts.

use auth_pages::Common;

/// All texts in one language.
#[derive(Debug)]
pub(crate) struct Texts {
    /// The tag of the language.
    pub(crate) code: &'static str,
    pub(crate) common: Common,
    pub(crate) log_in: LogIn,
    pub(crate) flow: Flow,
    pub(crate) password: NewPassword,
    pub(crate) reset: Reset,
    pub(crate) external: External,
    pub(crate) home: Home,
    pub(crate) errors: Errors,
}

impl Texts {
    /// All texts with their names.
    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
        [
            self.log_in.all(),
            self.flow.all(),
            self.password.all(),
            self.reset.all(),
            self.external.all(),
            self.home.all(),
            self.errors.all(),
        ]
        .concat()
    }
}

auth_pages::texts! {
    pub(crate) LogIn {
        page, title, address, name, password, submit, forgot, by_method, required, wrong, deactivated, registered,
        limited, weak, code_lead, mail_lead, backup_lead, code, backup, to_backup, wrong_code, exhausted, begin_again,
    }
    pub(crate) Flow {
        page, title, lead, account, server, submit, warning, sign_in_title, sign_in_lead, other, no_address, over, retry,
        asks_anew,
    }
    pub(crate) NewPassword { page, title, lead, new, submit, weak, same, kept_elsewhere }
    pub(crate) Reset {
        page, lead, address, submit, bad_address, too_long, asked_page, asked, asked_lead, set_page, set, set_lead, account,
        new, repeat, set_submit, differ, bad_link, ask_anew, done_page, done, done_lead, log_in,
    }
    pub(crate) External {
        no_account_page, no_account, no_account_lead, no_account_help, other, waiting_page, waiting, waiting_lead, waiting_help,
        waiting_script, waiting_unable, waiting_wrong, waiting_submit, waiting_again, desktop_page, desktop, desktop_lead,
        desktop_data, desktop_help, copy, copied, selected, to_log_in,
    }
    pub(crate) Home { page, title, lead }
    pub(crate) Errors {
        page, forbidden, forbidden_lead, not_found, not_found_lead, method, method_lead, no_realm, no_realm_lead,
        deactivated_realm, deactivated_realm_lead, defect, defect_lead, unavailable, unavailable_lead, begin_again,
        limited, limited_title, limited_lead, session_page, session, session_lead, configuration, configuration_lead,
        factor, factor_elsewhere, factor_nowhere, factor_link,
    }
}

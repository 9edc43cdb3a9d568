//! The table of texts.

use auth_pages::Common;

/// All texts in one language.
#[derive(Debug)]
pub(crate) struct Texts {
    /// The tag of the language.
    pub(crate) code: &'static str,
    /// The names of the months, short.
    pub(crate) months: [&'static str; 12],
    pub(crate) common: Common,
    pub(crate) front: Front,
    pub(crate) sign_in: SignIn,
    pub(crate) code_step: CodeStep,
    pub(crate) account: Account,
    pub(crate) details: Details,
    pub(crate) password: PasswordChange,
    pub(crate) rules: Rules,
    pub(crate) confirm: Confirm,
    pub(crate) two_step: TwoStep,
    pub(crate) enrol: Enrol,
    pub(crate) backup: Backup,
    pub(crate) app_passwords: AppPasswords,
    pub(crate) sessions: Sessions,
    pub(crate) kinds: Kinds,
    pub(crate) zulip: Zulip,
    pub(crate) reset: Reset,
    pub(crate) address: AddressProof,
    pub(crate) errors: Errors,
}

impl Texts {
    /// All texts with their names.
    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
        [
            self.front.all(),
            self.sign_in.all(),
            self.code_step.all(),
            self.account.all(),
            self.details.all(),
            self.password.all(),
            self.rules.all(),
            self.confirm.all(),
            self.two_step.all(),
            self.enrol.all(),
            self.backup.all(),
            self.app_passwords.all(),
            self.sessions.all(),
            self.kinds.all(),
            self.zulip.all(),
            self.reset.all(),
            self.address.all(),
            self.errors.all(),
        ]
        .concat()
    }
}

auth_pages::texts! {
    pub(crate) Front {
        title, heading, lead, to_account, demo_users, demo_lead, demo_mails, demo_commands, name, password, what,
    }
    pub(crate) SignIn {
        title, name, password, submit, forgot, no_name, no_password, refused, inactive, limited, limited_one, exhausted,
    }
    pub(crate) CodeStep { title, by_app, by_mail, code, code_hint, wrong, submit_again }
    pub(crate) Account {
        title, details, user_name, address, verified, unverified, no_address, has_password, no_password,
        change_password, change_details, by_app, by_mail, unprotected, manage_two_step, see_sessions, sessions_lead, apps,
        apps_lead, open_app,
    }
    pub(crate) Details {
        title, lead, full_name, address, address_hint, language, language_auto, save, saved, mailed, bad_name, bad_address,
        not_offered,
    }
    pub(crate) PasswordChange {
        title, change, lead, due, present, new, missing, wrong, same, weak, changed, kept_elsewhere, code_needed,
    }
    pub(crate) Rules { min_length, max_length, max_repeats, lowercase, uppercase, number, special, guessable }
    pub(crate) Confirm { title, lead_password, lead_app, lead_mail, first, wrong }
    pub(crate) TwoStep {
        title, lead, due, app, app_lead, enrol, codes, codes_lead, codes_left, codes_left_one, renew, remove, remove_lead, code,
        removal, removal_lead, keep, kept, mail, mail_lead, mail_needs_address, mail_on, mail_off, removed, mailed_on, mailed_off, wrong, missing, exists,
        none, mail_off_title,
    }
    pub(crate) Enrol { title, lead, scan, picture, open, by_hand, code, code_hint, submit, wrong, done }
    pub(crate) Backup { title, lead, print, done }
    pub(crate) AppPasswords {
        title, lead, yours, none, new, name, name_hint, protocols, protocols_hint, all_protocols, ends, never, month,
        quarter, year, make, made, made_lead, revoke, revoked, no_name, bad_name, taken, too_many,
    }
    pub(crate) Sessions {
        title, lead, none, made, used, never_used, ends, this, end, ended, end_others, end_others_lead, others_ended, made_at,
    }
    pub(crate) Kinds { web, zulip_key, rocketchat, personal, app_password, zettelstore, applications, other }
    pub(crate) Zulip {
        title, lead, key, site, needs_address, show, file, file_lead, download, regenerate, regenerate_lead, regenerated,
    }
    pub(crate) Reset {
        title, lead, address, no_address, send, sent, sent_lead, to_sign_in, new_title, new_lead, new, submit, done,
        done_lead, over, over_lead, again,
    }
    pub(crate) AddressProof { title, lead, submit, done, done_lead, over, over_lead, to_account }
    pub(crate) Errors {
        not_found, not_found_lead, method, method_lead, elsewhere, elsewhere_lead, out_of_date, out_of_date_lead, again,
        too_large, too_large_lead, incomplete, incomplete_lead, wrong_type, wrong_type_lead, limited, unavailable,
        unavailable_lead, defect, defect_lead, refused, refused_lead, banned, banned_lead, not_offered,
        not_offered_lead, to_front,
    }
}

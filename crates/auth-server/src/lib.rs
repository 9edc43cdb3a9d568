//! One account store that speaks the login APIs of Zulip, Rocket.Chat and Zettelstore

//! Zettelstore's login API as a pure function of request and engine

//! Recorded transcripts, cases and fixtures, and the runner that holds the server to them

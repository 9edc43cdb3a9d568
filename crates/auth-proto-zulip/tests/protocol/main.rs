//! The protocol held to recorded transcripts, researched cases and tables of its own.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod external;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod log_in;
#[cfg(test)]
mod own_settings;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reset;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod server;
#[cfg(test)]
mod session_calls;
#[cfg(test)]
mod set_up;
#[cfg(test)]
mod site;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod vouching;
#[cfg(test)]
mod world;

//! Who may use the operator API: a session of the console, or an identity that Cloudflare Access vouches for. No I/O: keys,
//! tokens and the time come in, and what needs the platform (the signature of a JWT) goes out.

pub mod access;
pub mod attempts;
pub mod session;

//! Hashes a password with one implementation, so that its instructions can be counted: see docs/argon2-kernel.md of the
//! source repository.
//!
//! `cargo run -p auth-argon2 --release --example hash -- KERNEL MEMORY_KIB ITERATIONS LANES`, where the kernel is one of
//! auth-argon2's or, for comparison, the crate `argon2` or `argon2-rust`.
#![expect(clippy::print_stdout, reason = "the hash goes to standard output")]

use std::error::Error;

use auth_argon2::{Algorithm, Input, Kernel, Memory, Params, hash_into_with};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let mut number = || arguments.next().unwrap_or_default().parse::<u32>();
    let (memory_kib, iterations, lanes) = (number()?, number()?, number()?);
    let (password, salt, mut tag) = (b"password", b"somesalt", [0; 32]);
    match name.as_str() {
        "argon2" => {
            let params = argon2::Params::new(memory_kib, iterations, lanes, Some(tag.len()))?;
            let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
            hasher.hash_password_into(password, salt, &mut tag)?;
        }
        "argon2-rust" => {
            let memory = argon2_rust::params::Memory::kib(memory_kib.into());
            let params = argon2_rust::Params::builder().memory(memory).passes(iterations);
            let params = params.lanes(lanes).threads(1).build()?;
            let version = argon2_rust::Version::V0x13;
            let hasher = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, version, params);
            hasher.hasher().hash_into(password, salt, &mut tag)?;
        }
        _ => {
            let kernel =
                Kernel::available().find(|kernel| kernel.name() == name).ok_or("no such kernel here")?;
            let (params, input) = (Params::new(memory_kib, iterations, lanes)?, Input::new(password, salt));
            hash_into_with(kernel, Algorithm::default(), params, input, &mut Memory::new(), &mut tag)?;
        }
    }
    println!("{}", data_encoding::HEXLOWER.encode(&tag));
    Ok(())
}

//! Every kernel computes the hash that the `argon2` crate computes: alone, in batches and on several threads.
#![no_main]

use auth_argon2::{Algorithm, Input, Job, Kernel, Memory, Options, Params, hash_batch_with};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [lanes, iterations, memory_low, memory_high, threads, count, length, secret, rest @ ..] = data else {
        return;
    };
    let lanes = 1 + u32::from(lanes % 8);
    let memory_kib = 8 * lanes + u32::from(u16::from_le_bytes([*memory_low, *memory_high]) % 1024);
    let params = Params::new(memory_kib, 1 + u32::from(iterations % 3), lanes).unwrap();
    let count = 1 + usize::from(count % 4);
    let length = 4 + usize::from(*length);
    // Passwords are parts of the input. Salts, the secret and the associated data are made of the same bytes.
    let (secret, associated_data) = (&rest[..rest.len().min((*secret).into())], &rest[..rest.len().min(32)]);
    let inputs: Vec<_> = (0..count)
        .map(|number| (&rest[rest.len() * number / count..], [rest, &[number as u8; 8]].concat()))
        .collect();
    let expected: Vec<_> = inputs
        .iter()
        .map(|(password, salt)| {
            let data = argon2::AssociatedData::new(associated_data).unwrap();
            let mut builder = argon2::ParamsBuilder::new();
            builder
                .m_cost(memory_kib)
                .t_cost(params.iterations())
                .p_cost(lanes)
                .output_len(length)
                .data(data);
            let (variant, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
            let params = builder.build().unwrap();
            let hasher = argon2::Argon2::new_with_secret(secret, variant, version, params).unwrap();
            let mut tag = vec![0; length];
            hasher.hash_password_into(password, salt, &mut tag).unwrap();
            tag
        })
        .collect();
    let mut memory = Memory::new();
    for kernel in Kernel::available() {
        let mut tags = vec![vec![0; length]; count];
        let mut jobs: Vec<_> = inputs
            .iter()
            .zip(&mut tags)
            .map(|((password, salt), out)| Job {
                input: Input { password, salt, secret, associated_data },
                out,
            })
            .collect();
        let options = Options { kernel, threads: (threads % 4).into() };
        hash_batch_with(options, Algorithm::default(), params, &mut jobs, &mut memory).unwrap();
        assert_eq!(tags, expected, "{}", kernel.name());
    }
});

//! Every kernel, with one hash and with batches, compared with published vectors and two other implementations.
#![expect(clippy::unwrap_used, reason = "a test")]

use auth_argon2::{
    Algorithm, Error, Input, Job, Kernel, Memory, Options, Params, hash_batch_with, hash_into, hash_into_with,
};
use data_encoding::HEXLOWER;
use proptest::prelude::*;

const ARGON2ID: Algorithm =
    Algorithm { variant: auth_argon2::Variant::Argon2id, version: auth_argon2::Version::V19 };

#[test]
fn lists_the_fastest_kernel_first_and_the_portable_one_last() {
    assert_eq!(Kernel::available().next(), Some(Kernel::detect()));
    assert_eq!(Kernel::available().last(), Some(Kernel::PORTABLE));
    assert_eq!(Options::default().kernel, Kernel::detect());
    let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
    let orders = [["avx512", "avx2", "ssse3", "portable"].as_slice(), &["neon-sha3", "neon", "portable"]];
    assert!(orders.iter().any(|order| order.ends_with(&names)), "{names:?}");
}

#[test]
fn every_kernel_matches_the_vector_of_the_rfc() {
    let params = Params::new(32, 3, 4).unwrap();
    let input = Input { password: &[1; 32], salt: &[2; 16], secret: &[3; 8], associated_data: &[4; 12] };
    for kernel in Kernel::available() {
        let mut tag = [0; 32];
        hash_into_with(kernel, ARGON2ID, params, input, &mut Memory::new(), &mut tag).unwrap();
        let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
        assert_eq!(HEXLOWER.encode(&tag), expected, "{}", kernel.name());
    }
}

#[test]
fn every_kernel_matches_the_vectors_of_the_reference_implementation() {
    let mut memory = Memory::new();
    let mut checked = 0;
    for line in include_str!("vectors/reference.txt").lines().filter(|line| !line.starts_with('#')) {
        let [t, log_m, p, password, salt, expected] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("not a vector: {line}");
        };
        let params =
            Params::new(1 << log_m.parse::<u32>().unwrap(), t.parse().unwrap(), p.parse().unwrap()).unwrap();
        let input = Input::new(password.as_bytes(), salt.as_bytes());
        for kernel in Kernel::available() {
            let mut tag = [0; 32];
            hash_into_with(kernel, ARGON2ID, params, input, &mut memory, &mut tag).unwrap();
            assert_eq!(HEXLOWER.encode(&tag), expected, "{} {line}", kernel.name());
        }
        checked += 1;
    }
    assert_eq!(checked, 8);
}

/// Includes the lengths at which H′ takes another path.
#[test]
fn agrees_with_the_argon2_crate_on_outputs_of_every_length() {
    let (mut memory, params) = (Memory::new(), Params::new(8, 1, 1).unwrap());
    for length in (4..200).chain([255, 256, 1023, 1024, 1025, 5000]) {
        let input = Input::new(b"password", b"somesalt");
        let mut tag = vec![0; length];
        hash_into(ARGON2ID, params, input, &mut memory, &mut tag).unwrap();
        assert_eq!(tag, argon2_crate_hash(params, input, length), "{length} bytes");
    }
}

#[test]
fn rejects_a_batch_with_one_bad_job_before_hashing_any() {
    let params = Params::new(8, 1, 1).unwrap();
    let (mut first, mut second) = ([7; 32], [7; 3]);
    let input = Input::new(b"password", b"somesalt");
    let mut jobs = [Job { input, out: &mut first }, Job { input, out: &mut second }];
    let mut memory = Memory::new();
    let result = hash_batch_with(Kernel::detect(), ARGON2ID, params, &mut jobs, &mut memory);
    assert_eq!(result, Err(Error::OutputTooShort));
    assert_eq!((first, second), ([7; 32], [7; 3]));
    assert_eq!(memory.capacity_kib(), 0);
}

#[test]
fn an_empty_batch_allocates_nothing() {
    let mut memory = Memory::new();
    hash_batch_with(Options::default(), ARGON2ID, Params::default(), &mut [], &mut memory).unwrap();
    assert_eq!(memory.capacity_kib(), 0);
}

#[test]
fn batches_of_version_16_equal_hashes_one_by_one() {
    let params = Params::new(16, 2, 1).unwrap();
    for (variant, _) in auth_argon2::Variant::ALL {
        let algorithm = Algorithm { variant, version: auth_argon2::Version::V16 };
        let passwords = [b"first".as_slice(), b"second", b"third"];
        let mut outs = [[0; 32]; 3];
        let inputs = passwords.map(|password| Input::new(password, b"somesalt"));
        let mut jobs: Vec<_> =
            inputs.into_iter().zip(&mut outs).map(|(input, out)| Job { input, out }).collect();
        let mut memory = Memory::new();
        hash_batch_with(Options::default(), algorithm, params, &mut jobs, &mut memory).unwrap();
        for (input, out) in inputs.into_iter().zip(outs) {
            let mut alone = [0; 32];
            hash_into(algorithm, params, input, &mut memory, &mut alone).unwrap();
            assert_eq!(out, alone);
        }
    }
}

fn argon2_crate_hash(params: Params, input: Input<'_>, length: usize) -> Vec<u8> {
    let mut builder = argon2::ParamsBuilder::new();
    builder.m_cost(params.memory_kib()).t_cost(params.iterations()).p_cost(params.lanes()).output_len(length);
    builder.data(argon2::AssociatedData::new(input.associated_data).unwrap());
    let (variant, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
    let hasher =
        argon2::Argon2::new_with_secret(input.secret, variant, version, builder.build().unwrap()).unwrap();
    let mut tag = vec![0; length];
    hasher.hash_password_into(input.password, input.salt, &mut tag).unwrap();
    tag
}

fn argon2_rust_hash(params: Params, input: Input<'_>, length: usize) -> Vec<u8> {
    let memory = argon2_rust::params::Memory::kib(params.memory_kib().into());
    let tag_length = argon2_rust::params::TagLen::bytes(length as u64);
    let builder = argon2_rust::Params::builder().memory(memory).tag_len(tag_length);
    let params = builder.passes(params.iterations()).lanes(params.lanes()).threads(1).build().unwrap();
    let hasher =
        argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13, params);
    hasher.hash_with_ad(input.password, input.salt, input.secret, input.associated_data).unwrap()
}

fn bytes(lengths: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), lengths)
}

/// Parameters of which some have segments long enough for several address blocks.
fn parameters() -> impl Strategy<Value = Params> {
    (1..10_u32, 1..4_u32).prop_flat_map(|(lanes, iterations)| {
        let memory = prop_oneof![3 => 8 * lanes..40 * lanes, 1 => 8 * lanes..700 * lanes.min(3) + 8 * lanes];
        memory.prop_map(move |memory| Params::new(memory, iterations, lanes).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_kernel_agrees_with_two_other_implementations(
        params in parameters(),
        password in bytes(0..300),
        salt in bytes(8..200),
        secret in bytes(0..150),
        associated_data in bytes(0..33),
        length in 4..150_usize,
    ) {
        let input = Input { password: &password, salt: &salt, secret: &secret, associated_data: &associated_data };
        let expected = argon2_crate_hash(params, input, length);
        prop_assert_eq!(&expected, &argon2_rust_hash(params, input, length));
        // Kernels order the words of a block differently. Blocks left by another kernel must make no difference.
        let mut memory = Memory::new();
        for kernel in Kernel::available() {
            let mut tag = vec![0; length];
            hash_into_with(kernel, ARGON2ID, params, input, &mut memory, &mut tag).unwrap();
            prop_assert_eq!(&tag, &expected, "{}", kernel.name());
        }
    }

    #[test]
    fn batches_on_any_number_of_threads_equal_hashes_one_by_one(
        params in parameters(),
        jobs in prop::collection::vec((bytes(0..40), bytes(8..30), 4..80_usize), 1..8),
        threads in 0..6_usize,
    ) {
        let expected: Vec<_> = jobs
            .iter()
            .map(|(password, salt, length)| argon2_crate_hash(params, Input::new(password, salt), *length))
            .collect();
        let mut memory = Memory::new();
        for kernel in Kernel::available() {
            let mut outs: Vec<_> = jobs.iter().map(|(.., length)| vec![0; *length]).collect();
            let mut batch: Vec<_> = jobs
                .iter()
                .zip(&mut outs)
                .map(|((password, salt, _), out)| Job { input: Input::new(password, salt), out })
                .collect();
            hash_batch_with(Options { kernel, threads }, ARGON2ID, params, &mut batch, &mut memory).unwrap();
            prop_assert_eq!(&outs, &expected, "{}", kernel.name());
        }
    }
}

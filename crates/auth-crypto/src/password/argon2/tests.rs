//! The strings of Argon2, compared with the parser of the crate `password-hash`.

use password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::*;

/// The parameters of a string that the other parser writes, in any order.
fn written_params() -> impl Strategy<Value = (Vec<(&'static str, u32)>, Vec<u8>, Index)> {
    let numbers = (8_u32..64, 1_u32..9)
        .prop_map(|(memory, iterations)| vec![("m", memory * 8), ("t", iterations), ("p", memory % 4 + 1)]);
    (numbers.prop_shuffle(), vec(any::<u8>(), 0..=MAX_ASSOCIATED_DATA), any::<Index>())
}

fn written_hashes() -> impl Strategy<Value = PasswordHash> {
    let name = select(Variant::ALL.to_vec()).prop_map(|(_, name)| name);
    let version = select(vec![None, Some(16), Some(19)]);
    let bytes = (vec(any::<u8>(), 8..=48), vec(any::<u8>(), 12..=64));
    (name, version, written_params(), bytes).prop_map(
        |(name, version, (numbers, data, place), (salt, tag))| {
            let mut params = ParamsString::new();
            let place = place.index(numbers.len() + 1);
            for (at, (key, number)) in numbers.into_iter().enumerate() {
                if at == place && !data.is_empty() {
                    params.add_b64_bytes("data", &data).unwrap();
                }
                params.add_decimal(key, number).unwrap();
            }
            if place == 3 && !data.is_empty() {
                params.add_b64_bytes("data", &data).unwrap();
            }
            PasswordHash {
                algorithm: Ident::new(name).unwrap(),
                version,
                params,
                salt: Some(Salt::new(&salt).unwrap()),
                hash: Some(Output::new(&tag).unwrap()),
            }
        },
    )
}

/// The name, the version, `m`, `t` and `p`, the data, the salt and the tag.
type Parts = (String, u32, [Option<u32>; 3], Vec<u8>, Vec<u8>, Vec<u8>);

/// What both parsers read of a hash.
fn parts(hash: &PasswordHash) -> Parts {
    let number = |key: &str| hash.params.get_decimal(key);
    let mut buffer = [0; 64];
    let data = hash.params.get("data").map_or(&[][..], |value| value.b64_decode(&mut buffer).unwrap());
    let salt = hash.salt.as_ref().unwrap().to_vec();
    let tag = hash.hash.unwrap().as_bytes().to_vec();
    let version = hash.version.unwrap_or(16);
    (hash.algorithm.as_str().to_owned(), version, ["m", "t", "p"].map(number), data.to_vec(), salt, tag)
}

fn parts_of_ours(hash: &Argon2Hash) -> Parts {
    let Argon2Hash { algorithm, params, data, salt, tag } = hash.clone();
    let numbers = [params.memory_kib(), params.iterations(), params.lanes()].map(Some);
    (algorithm.variant.as_str().to_owned(), algorithm.version.number(), numbers, data, salt, tag)
}

proptest! {
    #[test]
    fn what_another_parser_writes_is_read_alike_and_read_back_by_it(written in written_hashes()) {
        let ours = Argon2Hash::parse(&written.to_string()).unwrap();
        prop_assert_eq!(parts_of_ours(&ours), parts(&written));
        let read_back = PasswordHash::new(&ours.to_string()).unwrap();
        prop_assert_eq!(parts(&read_back), parts(&written));
        prop_assert_eq!(parts_of_ours(&Argon2Hash::parse(&ours.to_string()).unwrap()), parts(&written));
    }

    /// Beyond its bounds on lengths, the other parser refuses nothing that is read here.
    #[test]
    fn what_is_read_here_another_parser_reads_too(
        version in "(v=(0|16|19|1[69]|-1|019))?",
        params in subsequence(
            vec!["m=64", "t=2", "p=1", "m=064", "p=1", "data=", "data=YXBw", "data=YQ==", "keyid=", "", "x=1", "T=1", "t"], 0..7
        ).prop_shuffle(),
        salt in "(c2FsdHNhbHRzYWx0c2FsdA|c2FsdHNhbHRzYWx0c2FsdB|c2FsdA|)(\\$)?",
    ) {
        let version = if version.is_empty() { version } else { format!("${version}") };
        let text = format!("$argon2id{version}${}${salt}$MPTvGDNGjMn2Hstqn5I9GA", params.join(","));
        if let Ok(ours) = Argon2Hash::parse(&text) {
            let theirs = PasswordHash::new(&text);
            prop_assert!(theirs.is_ok(), "{text}: {theirs:?}");
            prop_assert_eq!(parts_of_ours(&ours), parts(&theirs.unwrap()));
        }
    }
}

//! Against the published vectors, and against the published crates over all lengths.

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};

use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    assert_eq!(digits.len(), 2 * N);
    std::array::from_fn(|place| digits[2 * place] << 4 | digits[2 * place + 1])
}

/// Repeatable, and without a pattern.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn hchacha20_is_as_in_the_draft() {
    let key = std::array::from_fn(|place| place as u8);
    let derived = derived(&key, &bytes("000000090000004a0000000031415927"));
    assert_eq!(derived, bytes("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"));
}

#[test]
fn chacha20_is_as_in_the_rfc() {
    let key = std::array::from_fn(|place| place as u8);
    let mut stream = [0; STRIDE];
    ChaCha::new(&key, &bytes("01000000000000090000004a00000000")).four(|_| ()).put(&mut stream);
    let first = "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e\
                 d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e";
    assert_eq!(stream[..64], bytes::<64>(first));
}

#[test]
fn poly1305_is_as_in_the_rfc_where_its_sum_is_at_the_edge() {
    let (zero, ones) = (["00"; 16].concat(), ["ff"; 16].concat());
    let low = |byte: &str| format!("{byte}{}", "00".repeat(15));
    let high = |byte: &str, other: &str| format!("{byte}{}", other.repeat(15));
    let twelfth = ["e33594d7505e43b90000000000000000", "3394d7505e4379cd0100000000000000", &zero, &low("01")].concat();
    let cases = [
        (low("02"), zero.clone(), ones.clone(), low("03")),
        (low("02"), ones.clone(), low("02"), low("03")),
        (low("01"), zero.clone(), [ones.clone(), high("f0", "ff"), low("11")].concat(), low("05")),
        (low("01"), zero.clone(), [ones, high("fb", "fe"), "01".repeat(16)].concat(), zero.clone()),
        (low("02"), zero.clone(), high("fd", "ff"), high("fa", "ff")),
        ("01000000000000000400000000000000".to_owned(), zero, twelfth, "14000000000000005500000000000000".to_owned()),
    ];
    for (r, pad, message, tag) in cases {
        let mut poly = Poly1305::new(&bytes(&r), &bytes(&pad));
        for block in message.as_bytes().chunks(32) {
            poly.block(&bytes(std::str::from_utf8(block).unwrap()));
        }
        assert_eq!(poly.tag(), bytes(&tag), "{message}");
    }
}

#[test]
fn the_whole_is_as_in_the_draft() {
    let key = std::array::from_fn(|place| 0x80 + place as u8);
    let nonce = std::array::from_fn(|place| 0x40 + place as u8);
    let extra: [u8; 12] = bytes("50515253c0c1c2c3c4c5c6c7");
    let plain =
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let mut sealed = b"before".to_vec();
    seal(&key, &nonce, &extra, plain, &mut sealed);
    let expected: [u8; 130] = bytes(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
         2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49",
    );
    assert_eq!(sealed, [&b"before"[..], &expected].concat());
}

#[test]
fn every_length_is_as_the_published_crate_has_it_and_opens_again() {
    let lengths = (0..700).chain([1023, 1024, 4096, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1]);
    for length in lengths {
        let seed = length as u64 + 1;
        let (key, nonce): (Key, Nonce) = (noise(seed, 32).try_into().unwrap(), noise(seed << 20, 24).try_into().unwrap());
        let (extra, plain) = (noise(seed << 40, length % 37), noise(seed << 50, length));
        let mut sealed = Vec::new();
        seal(&key, &nonce, &extra, &plain, &mut sealed);
        let theirs = XChaCha20Poly1305::new(&key.into());
        let expected = theirs.encrypt(&nonce.into(), Payload { msg: &plain, aad: &extra }).unwrap();
        assert!(sealed == expected, "{length} bytes");
        let mut opened = Vec::new();
        open(&key, &nonce, &extra, &sealed, &mut opened).unwrap();
        assert!(opened == plain, "{length} bytes");
    }
}

#[test]
fn nothing_opens_that_was_changed_and_nothing_of_it_gets_out() {
    let (key, nonce, plain) = ([7; 32], [8; 24], noise(1, 600));
    let mut sealed = Vec::new();
    seal(&key, &nonce, b"extra", &plain, &mut sealed);
    let refused = |key: &Key, nonce: &Nonce, extra: &[u8], sealed: &[u8]| {
        let mut out = b"before".to_vec();
        open(key, nonce, extra, sealed, &mut out).is_none() && out == b"before"
    };
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(refused(&key, &nonce, b"extra", &changed), "byte {place}");
    }
    assert!(refused(&[9; 32], &nonce, b"extra", &sealed));
    assert!(refused(&key, &[9; 24], b"extra", &sealed));
    assert!(refused(&key, &nonce, b"other", &sealed));
    assert!(refused(&key, &nonce, b"extra", &sealed[1..]));
    assert!(refused(&key, &nonce, b"extra", &sealed[..15]));
    assert!(!refused(&key, &nonce, b"extra", &sealed));
}

#[test]
fn the_check_of_a_component_holds() {
    check().unwrap();
}

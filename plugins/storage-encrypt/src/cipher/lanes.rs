//! Four 32-bit words side by side, as the machine computes with them.
//!
//! In a component these are Wasm's own 128-bit instructions: compiled from plain loops, the cipher takes twice as long. Everywhere else,
//! for tests, they are arrays.

#[cfg(target_arch = "wasm32")]
mod machine {
    use core::arch::wasm32::*;

    /// Four words.
    pub type Lanes = v128;

    /// Four times this word.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn splat(word: u32) -> Lanes {
        u32x4_splat(word)
    }

    /// 0, 1, 2, 3.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn count() -> Lanes {
        u32x4(0, 1, 2, 3)
    }

    /// The sums, word by word.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn add(one: Lanes, other: Lanes) -> Lanes {
        u32x4_add(one, other)
    }

    /// The bits that differ, rotated to the left by so many. By whole bytes that is one instruction and not three.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn differ<const ROTATED: u32>(one: Lanes, other: Lanes) -> Lanes {
        let bits = v128_xor(one, other);
        match ROTATED {
            16 => i8x16_shuffle::<2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13>(bits, bits),
            8 => i8x16_shuffle::<3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14>(bits, bits),
            _ => v128_or(u32x4_shl(bits, ROTATED), u32x4_shr(bits, 32 - ROTATED)),
        }
    }

    /// Rows become columns.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn transposed([a, b, c, d]: [Lanes; 4]) -> [Lanes; 4] {
        let (low_ab, low_cd) = (u32x4_shuffle::<0, 4, 1, 5>(a, b), u32x4_shuffle::<0, 4, 1, 5>(c, d));
        let (high_ab, high_cd) = (u32x4_shuffle::<2, 6, 3, 7>(a, b), u32x4_shuffle::<2, 6, 3, 7>(c, d));
        [
            u64x2_shuffle::<0, 2>(low_ab, low_cd),
            u64x2_shuffle::<1, 3>(low_ab, low_cd),
            u64x2_shuffle::<0, 2>(high_ab, high_cd),
            u64x2_shuffle::<1, 3>(high_ab, high_cd),
        ]
    }

    /// As two words of 64 bits.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn halves(lanes: Lanes) -> [u64; 2] {
        [u64x2_extract_lane::<0>(lanes), u64x2_extract_lane::<1>(lanes)]
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod machine {
    use std::array::from_fn;

    pub type Lanes = [u32; 4];

    pub fn splat(word: u32) -> Lanes {
        [word; 4]
    }

    pub fn count() -> Lanes {
        [0, 1, 2, 3]
    }

    pub fn add(one: Lanes, other: Lanes) -> Lanes {
        from_fn(|lane| one[lane].wrapping_add(other[lane]))
    }

    pub fn differ<const ROTATED: u32>(one: Lanes, other: Lanes) -> Lanes {
        from_fn(|lane| (one[lane] ^ other[lane]).rotate_left(ROTATED))
    }

    pub fn transposed(rows: [Lanes; 4]) -> [Lanes; 4] {
        from_fn(|lane| rows.map(|row| row[lane]))
    }

    pub fn halves([a, b, c, d]: Lanes) -> [u64; 2] {
        [u64::from(a) | u64::from(b) << 32, u64::from(c) | u64::from(d) << 32]
    }
}

pub use machine::*;

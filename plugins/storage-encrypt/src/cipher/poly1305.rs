//! Poly1305 (RFC 8439) over 32-bit limbs.
//!
//! `r` has its top four bits clear in each limb, and in all but the first the low two: the products of a limb of the sum, below 2^34, with
//! one of `r`, below 2^28, or five quarters of it, add up to less than 2^64, so that nothing is carried before all are added.

/// A block.
pub const BLOCK: usize = 16;

const LIMB: u64 = 0xffff_ffff;

/// A tag that is being made.
pub struct Poly1305 {
    r: [u64; 4],
    /// Five quarters of `r`: what reaches beyond 2^130 comes back five times as much.
    s: [u64; 4],
    sum: [u64; 5],
    pad: [u32; 4],
}

fn words(bytes: &[u8; BLOCK]) -> [u32; 4] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|place| u32::from_le_bytes(words[place]))
}

impl Poly1305 {
    /// A key is for one message only.
    pub fn new(r: &[u8; BLOCK], pad: &[u8; BLOCK]) -> Self {
        let [a, b, c, d] = words(r).map(u64::from);
        let r = [a & 0x0fff_ffff, b & 0x0fff_fffc, c & 0x0fff_fffc, d & 0x0fff_fffc];
        Self { r, s: r.map(|limb| limb + (limb >> 2)), sum: [0; 5], pad: words(pad) }
    }

    /// Takes a whole block in.
    #[inline]
    pub fn block(&mut self, block: &[u8; BLOCK]) {
        let [m0, m1, m2, m3] = words(block).map(u64::from);
        let ([r0, r1, r2, r3], [_, s1, s2, s3]) = (self.r, self.s);
        let [h0, h1, h2, h3, h4] = self.sum;
        let (h0, h1, h2, h3, h4) = (h0 + m0, h1 + m1, h2 + m2, h3 + m3, h4 + 1);

        let d0 = h0 * r0 + h1 * s3 + h2 * s2 + h3 * s1;
        let d1 = h0 * r1 + h1 * r0 + h2 * s3 + h3 * s2 + h4 * s1 + (d0 >> 32);
        let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s3 + h4 * s2 + (d1 >> 32);
        let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s3 + (d2 >> 32);
        let d4 = h4 * r0 + (d3 >> 32);
        self.sum = [(d0 & LIMB) + (d4 >> 2) * 5, d1 & LIMB, d2 & LIMB, d3 & LIMB, d4 & 3];
    }

    /// Takes bytes in, filled up with zeros to whole blocks, as the AEAD wants them.
    pub fn padded(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks();
        blocks.iter().for_each(|block| self.block(block));
        if !rest.is_empty() {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            self.block(&last);
        }
    }

    /// The tag.
    pub fn tag(self) -> [u8; BLOCK] {
        let mut sum = self.sum;
        // Twice: what comes back from the top may carry through to the top again.
        for _ in 0..2 {
            for place in 0..4 {
                sum[place + 1] += sum[place] >> 32;
                sum[place] &= LIMB;
            }
            sum[0] += (sum[4] >> 2) * 5;
            sum[4] &= 3;
        }
        // Less 2^130 - 5 where it is not below that: whether adding 5 reaches 2^130 says so.
        let mut less = sum;
        less[0] += 5;
        for place in 0..4 {
            less[place + 1] += less[place] >> 32;
            less[place] &= LIMB;
        }
        let reaches = (less[4] >> 2).wrapping_neg();
        let mut tag = [0; BLOCK];
        let mut carry = 0;
        for (place, bytes) in tag.as_chunks_mut().0.iter_mut().enumerate() {
            let limb = (less[place] & reaches) | (sum[place] & !reaches);
            carry += limb + u64::from(self.pad[place]);
            *bytes = (carry as u32).to_le_bytes();
            carry >>= 32;
        }
        tag
    }
}

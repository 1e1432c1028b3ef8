//! How long the parts of an upload are.
//!
//! An upload's state has the ETag of each part and fits into 64 KiB, so there can be at most [`PARTS`]. Parts begin small, so that little
//! waits in the host's memory, and double every [`STEP`] parts up to [`MOST`]: with 5 MiB at first, an object may have 199 GiB.

/// The shortest part that S3 takes, but for the last one, and what parts have at first unless the operator says otherwise.
pub const LEAST: u64 = 5 * MIB;
/// The longest part that the host takes.
pub const MOST: u64 = 64 * MIB;
/// So many parts are of one length.
pub const STEP: u64 = 200;
/// The most parts whose ETags fit into the state, at 17 bytes each, with 1 KiB for all else.
pub const PARTS: usize = 3_760;

const MIB: u64 = 1024 * 1024;

/// The bytes of the part with this number, from 0, where the first has `first`.
pub fn part(first: u64, number: usize) -> u64 {
    let doublings = (number as u64 / STEP).min(4);
    (first << doublings).min(MOST)
}

/// The bytes of so many parts together.
pub fn parts(first: u64, count: usize) -> u64 {
    let (count, mut begun, mut total) = (count as u64, 0, 0);
    while begun < count {
        let step = STEP.min(count - begun);
        total += step * part(first, begun as usize);
        begun += step;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_double_every_200_up_to_64_mib() {
        let sizes: Vec<u64> = (0..7).map(|step| part(LEAST, step * 200) / MIB).collect();
        assert_eq!(sizes, [5, 10, 20, 40, 64, 64, 64]);
        assert_eq!((part(LEAST, 199), part(LEAST, 200)), (5 * MIB, 10 * MIB));
        assert_eq!((part(MOST, 0), part(MOST, 9_999)), (MOST, MOST));
    }

    #[test]
    fn the_sum_is_that_of_the_parts_one_by_one() {
        for count in [0, 1, 199, 200, 201, 1000, 3_760] {
            assert_eq!(parts(LEAST, count), (0..count).map(|number| part(LEAST, number)).sum::<u64>(), "{count}");
        }
    }

    #[test]
    fn an_object_may_have_199_gib_and_more_where_parts_begin_longer() {
        assert_eq!(parts(LEAST, PARTS) >> 30, 199);
        assert_eq!(parts(MOST, PARTS) >> 30, 235);
    }
}

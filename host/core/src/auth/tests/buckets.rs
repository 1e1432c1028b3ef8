//! Buckets fill up again, and there are never too many.

use super::*;
use crate::auth::buckets::{Bounded, Buckets, Key, MAX_KEYS};

fn key(number: usize) -> Key {
    (number as u128).to_be_bytes()
}

#[test]
fn an_empty_bucket_fills_up_one_unit_after_the_other_and_never_beyond_its_capacity() {
    let mut buckets = Buckets::new(3, Duration::from_secs(30));
    let at = |seconds: u64| Timestamp(START + seconds * 1000);
    for _ in 0..3 {
        assert_eq!(buckets.wait(key(1), at(0)), Duration::ZERO);
        buckets.take(key(1), at(0));
    }
    assert_eq!(buckets.wait(key(1), at(0)), Duration::from_secs(10));
    assert_eq!(buckets.wait(key(1), at(9)), Duration::from_secs(1));
    assert_eq!(buckets.wait(key(1), at(10)), Duration::ZERO);
    assert_eq!(buckets.wait(key(2), at(0)), Duration::ZERO);
    for _ in 0..3 {
        assert_eq!(buckets.wait(key(1), at(3600)), Duration::ZERO);
        buckets.take(key(1), at(3600));
    }
    assert_eq!(buckets.wait(key(1), at(3600)), Duration::from_secs(10));
}

#[test]
fn what_is_left_is_what_was_not_taken_and_what_has_come_back() {
    let mut buckets = Buckets::new(3, Duration::from_secs(30));
    let at = |seconds: u64| Timestamp(START + seconds * 1000);
    assert_eq!(buckets.left(key(1), at(0)), 3);
    for left in [2, 1, 0] {
        buckets.take(key(1), at(0));
        assert_eq!(buckets.left(key(1), at(0)), left);
    }
    assert_eq!((buckets.left(key(1), at(9)), buckets.left(key(1), at(10))), (0, 1));
    assert_eq!((buckets.left(key(1), at(29)), buckets.left(key(1), at(3600))), (2, 3));
    assert_eq!(buckets.left(key(2), at(0)), 3);
}

#[test]
fn a_capacity_of_nothing_counts_as_one() {
    let mut buckets = Buckets::new(0, Duration::ZERO);
    assert_eq!(buckets.wait(key(1), Timestamp(START)), Duration::ZERO);
    buckets.take(key(1), Timestamp(START));
    assert!(!buckets.wait(key(1), Timestamp(START)).is_zero());
}

#[test]
fn the_oldest_key_is_dropped_when_there_are_too_many() {
    let mut map = Bounded::default();
    for number in 0..=MAX_KEYS {
        map.put(key(number), number);
    }
    assert_eq!(map.get(key(0)), None);
    assert_eq!((map.get(key(1)), map.get(key(MAX_KEYS))), (Some(1), Some(MAX_KEYS)));
    assert_eq!(map.len(), MAX_KEYS);
}

#[test]
fn full_buckets_take_no_memory() {
    let mut buckets = Buckets::new(10, MINUTE);
    for number in 0..1000 {
        buckets.take(key(number), Timestamp(START).after(MINUTE * u32::try_from(number).unwrap()));
    }
    assert!(buckets.len() <= 2, "{}", buckets.len());
}

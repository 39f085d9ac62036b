//! The targets with random bytes: for toolchains that can't be guided by coverage. A case that goes
//! wrong is made smaller and printed.

use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_address_or_an_error(text in "[0-9a-f:.\\[\\]%a-z]{0,24}|\\[[0-9a-f:]{2,9}(%[0-9a-z]{0,3})?\\](:[0-9]{1,5})?|\\PC{0,20}") {
        giambio_fuzz::addresses(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_an_address_or_an_error(bytes in vec(any::<u8>(), 0..40)) {
        giambio_fuzz::addresses(&bytes);
    }

    #[test]
    fn spans_and_ticks_are_exact(bytes in vec(any::<u8>(), 0..200)) {
        giambio_fuzz::spans(&bytes);
    }

    #[test]
    fn operations_are_tried_as_often_as_it_takes(bytes in vec(any::<u8>(), 0..100)) {
        giambio_fuzz::nb(&bytes);
    }

    #[test]
    fn timers_fire_in_their_order(bytes in vec(any::<u8>(), 0..400)) {
        giambio_fuzz::timers(&bytes);
    }

    #[test]
    fn places_are_taken_by_one_at_a_time(bytes in vec(any::<u8>(), 0..300)) {
        giambio_fuzz::arenas(&bytes);
    }
}

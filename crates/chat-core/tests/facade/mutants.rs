//! Proof that these tests prove something: each rule, once broken, fails the test that guards it.

use chat_core::mutant::{Mutant, assert_each_is_killed};

#[test]
fn each_broken_rule_fails_its_test() {
    assert_each_is_killed(&[
        (
            Mutant::SkipDeduplication,
            "faults::a_lost_acknowledgement_doubles_the_record_and_not_the_message",
        ),
        (
            Mutant::ReencryptOnRetry,
            "faults::a_lost_acknowledgement_doubles_the_record_and_not_the_message",
        ),
        (
            Mutant::CursorBeforeRows,
            "faults::a_record_that_cannot_be_stored_holds_up_none_before_it",
        ),
        (Mutant::MarkSentBeforeAck, "faults::an_append_that_was_lost_leaves_its_message_waiting"),
        (
            Mutant::YoungerFirst,
            "faults::offline_messages_wait_and_are_delivered_by_a_listener_in_order",
        ),
        (
            Mutant::SilentRetention,
            "faults::records_that_retention_took_are_a_gap_and_their_messages_missing",
        ),
        (
            Mutant::SilentTruncation,
            "faults::a_truncated_log_is_a_gap_and_what_comes_after_it_is_read",
        ),
        (
            Mutant::IgnoreRecordHash,
            "faults::a_truncated_log_is_a_gap_and_what_comes_after_it_is_read",
        ),
        (
            Mutant::IgnoreTopicId,
            "faults::a_topic_that_was_made_anew_is_said_and_read_from_its_beginning",
        ),
        (
            Mutant::ForgetOwnRecords,
            "faults::what_the_log_lost_is_sent_again_ahead_of_what_is_younger",
        ),
        (Mutant::TrustLaterLeader, "faults::a_cut_below_an_append_that_landed_later_is_found"),
        (Mutant::CloseWholeBatch, "faults::only_a_record_that_is_too_large_alone_is_closed"),
        (Mutant::ForgetMark, "faults::marks_go_on_where_they_stood"),
        (Mutant::SendToChangedKey, "trust::nothing_is_sent_to_a_changed_key_until_it_is_accepted"),
        (Mutant::PinNewestKey, "trust::nothing_is_sent_to_a_changed_key_until_it_is_accepted"),
        (
            Mutant::TakeAnyNetworkKey,
            "rotation::keys_from_somebody_who_was_never_compared_are_shown_and_not_used",
        ),
        (Mutant::ReuseSalt, "records::no_two_envelopes_begin_alike"),
    ]);
}

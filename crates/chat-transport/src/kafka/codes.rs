//! Every error code of the Kafka protocol, and what is to be done about it.
//!
//! A code of a newer broker that is not in the table has no class: it is shown with its number and ends
//! the request, because nobody knows whether trying again would do harm.

use self::Class::{Fatal, Retry, User};

/// What is to be done about an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It passes: the same request may succeed a little later.
    Retry,
    /// This request is wrong, or the broker is: the same request again fails again.
    Fatal,
    /// Somebody has to do something first.
    User(Need),
}

/// What somebody has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Create the topic.
    Topic,
    /// Take another name: the topic is there already.
    OtherName,
    /// Send less in one record, or raise the topic's limit.
    SmallerRecord,
    /// Send the record otherwise: this topic takes none such.
    OtherRecord,
    /// Ask the administrator for a right.
    Right,
    /// Mend the login.
    Login,
    /// Change a setting of the cluster or of the topic, or the broker's version.
    Setting,
}

/// The code's name in the protocol and its class; `None` if this version does not know it.
pub(crate) fn look_up(code: i16) -> Option<(&'static str, Class)> {
    TABLE.iter().find(|(known, ..)| *known == code).map(|(_, name, class)| (*name, *class))
}

/// Kafka's own list, <https://kafka.apache.org/protocol#protocol_error_codes>, in its order.
///
/// What Kafka calls retriable is tried again; so are what a refresh of the metadata mends and what only a
/// restarting broker says. Groups, transactions and shares are never asked for: their codes are here
/// because a broker may say anything.
const TABLE: &[(i16, &str, Class)] = &[
    (-1, "UnknownServerError", Fatal),
    (0, "None", Fatal),
    (1, "OffsetOutOfRange", Fatal),
    (2, "CorruptMessage", Retry),
    (3, "UnknownTopicOrPartition", User(Need::Topic)),
    (4, "InvalidMessageSize", Fatal),
    (5, "LeaderNotAvailable", Retry),
    (6, "NotLeaderForPartition", Retry),
    (7, "RequestTimedOut", Retry),
    (8, "BrokerNotAvailable", Retry),
    (9, "ReplicaNotAvailable", Retry),
    (10, "MessageTooLarge", User(Need::SmallerRecord)),
    (11, "StaleControllerEpoch", Fatal),
    (12, "OffsetMetadataTooLarge", Fatal),
    (13, "NetworkException", Retry),
    (14, "CoordinatorLoadInProgress", Retry),
    (15, "CoordinatorNotAvailable", Retry),
    (16, "NotCoordinator", Retry),
    (17, "InvalidTopic", User(Need::Setting)),
    (18, "RecordListTooLarge", User(Need::SmallerRecord)),
    (19, "NotEnoughReplicas", Retry),
    (20, "NotEnoughReplicasAfterAppend", Retry),
    (21, "InvalidRequiredAcks", Fatal),
    (22, "IllegalGeneration", Fatal),
    (23, "InconsistentGroupProtocol", Fatal),
    (24, "InvalidGroupId", Fatal),
    (25, "UnknownMemberId", Fatal),
    (26, "InvalidSessionTimeout", Fatal),
    (27, "RebalanceInProgress", Retry),
    (28, "InvalidCommitOffsetSize", Fatal),
    (29, "TopicAuthorizationFailed", User(Need::Right)),
    (30, "GroupAuthorizationFailed", User(Need::Right)),
    (31, "ClusterAuthorizationFailed", User(Need::Right)),
    (32, "InvalidTimestamp", User(Need::Setting)),
    (33, "UnsupportedSaslMechanism", User(Need::Login)),
    (34, "IllegalSaslState", User(Need::Login)),
    (35, "UnsupportedVersion", User(Need::Setting)),
    (36, "TopicAlreadyExists", User(Need::OtherName)),
    (37, "InvalidPartitions", User(Need::Setting)),
    (38, "InvalidReplicationFactor", User(Need::Setting)),
    (39, "InvalidReplicaAssignment", User(Need::Setting)),
    (40, "InvalidConfig", User(Need::Setting)),
    (41, "NotController", Retry),
    (42, "InvalidRequest", Fatal),
    (43, "UnsupportedForMessageFormat", User(Need::Setting)),
    (44, "PolicyViolation", User(Need::Setting)),
    (45, "OutOfOrderSequenceNumber", Retry),
    (46, "DuplicateSequenceNumber", Fatal),
    (47, "InvalidProducerEpoch", Fatal),
    (48, "InvalidTxnState", Fatal),
    (49, "InvalidProducerIdMapping", Fatal),
    (50, "InvalidTransactionTimeout", Fatal),
    (51, "ConcurrentTransactions", Retry),
    (52, "TransactionCoordinatorFenced", Fatal),
    (53, "TransactionalIdAuthorizationFailed", User(Need::Right)),
    (54, "SecurityDisabled", User(Need::Setting)),
    (55, "OperationNotAttempted", Retry),
    (56, "KafkaStorageException", Retry),
    (57, "LogDirNotFound", User(Need::Setting)),
    (58, "SaslAuthenticationFailed", User(Need::Login)),
    (59, "UnknownProducerId", Retry),
    (60, "ReassignmentInProgress", Fatal),
    (61, "DelegationTokenAuthDisabled", User(Need::Login)),
    (62, "DelegationTokenNotFound", User(Need::Login)),
    (63, "DelegationTokenOwnerMismatch", User(Need::Login)),
    (64, "DelegationTokenRequestNotAllowed", User(Need::Login)),
    (65, "DelegationTokenAuthorizationFailed", User(Need::Right)),
    (66, "DelegationTokenExpired", User(Need::Login)),
    (67, "InvalidPrincipalType", Fatal),
    (68, "NonEmptyGroup", Fatal),
    (69, "GroupIdNotFound", Fatal),
    (70, "FetchSessionIdNotFound", Retry),
    (71, "InvalidFetchSessionEpoch", Retry),
    (72, "ListenerNotFound", Retry),
    (73, "TopicDeletionDisabled", User(Need::Setting)),
    (74, "FencedLeaderEpoch", Retry),
    (75, "UnknownLeaderEpoch", Retry),
    (76, "UnsupportedCompressionType", User(Need::Setting)),
    (77, "StaleBrokerEpoch", Fatal),
    (78, "OffsetNotAvailable", Retry),
    (79, "MemberIdRequired", Fatal),
    (80, "PreferredLeaderNotAvailable", Retry),
    (81, "GroupMaxSizeReached", Fatal),
    (82, "FencedInstanceId", Fatal),
    (83, "EligibleLeadersNotAvailable", Retry),
    (84, "ElectionNotNeeded", Retry),
    (85, "NoReassignmentInProgress", Fatal),
    (86, "GroupSubscribedToTopic", Fatal),
    (87, "InvalidRecord", User(Need::OtherRecord)),
    (88, "UnstableOffsetCommit", Retry),
    (89, "ThrottlingQuotaExceeded", Retry),
    (90, "ProducerFenced", Fatal),
    (91, "ResourceNotFound", Fatal),
    (92, "DuplicateResource", Fatal),
    (93, "UnacceptableCredential", User(Need::Login)),
    (94, "InconsistentVoterSet", Fatal),
    (95, "InvalidUpdateVersion", Fatal),
    (96, "FeatureUpdateFailed", Fatal),
    (97, "PrincipalDeserializationFailure", User(Need::Setting)),
    (98, "SnapshotNotFound", Fatal),
    (99, "PositionOutOfRange", Fatal),
    (100, "UnknownTopicId", User(Need::Topic)),
    (101, "DuplicateBrokerRegistration", Fatal),
    (102, "BrokerIdNotRegistered", Fatal),
    (103, "InconsistentTopicId", Retry),
    (104, "InconsistentClusterId", Fatal),
    (105, "TransactionalIdNotFound", Fatal),
    (106, "FetchSessionTopicIdError", Retry),
    (107, "IneligibleReplica", Fatal),
    (108, "NewLeaderElected", Retry),
    (109, "OffsetMovedToTieredStorage", Fatal),
    (110, "FencedMemberEpoch", Retry),
    (111, "UnreleasedInstanceId", Fatal),
    (112, "UnsupportedAssignor", Fatal),
    (113, "StaleMemberEpoch", Retry),
    (114, "MismatchedEndpointType", Fatal),
    (115, "UnsupportedEndpointType", Fatal),
    (116, "UnknownControllerId", Fatal),
    (117, "UnknownSubscriptionId", Fatal),
    (118, "TelemetryTooLarge", Fatal),
    (119, "InvalidRegistration", Fatal),
    (120, "TransactionAbortable", Fatal),
    (121, "InvalidRecordState", Fatal),
    (122, "ShareSessionNotFound", Retry),
    (123, "InvalidShareSessionEpoch", Retry),
    (124, "FencedStateEpoch", Fatal),
    (125, "InvalidVoterKey", Fatal),
    (126, "DuplicateVoter", Fatal),
    (127, "VoterNotFound", Fatal),
    (128, "InvalidRegularExpression", Fatal),
    (129, "RebootstrapRequired", Retry),
    (130, "StreamsInvalidTopology", Fatal),
    (131, "StreamsInvalidTopologyEpoch", Fatal),
    (132, "StreamsTopologyFenced", Fatal),
    (133, "ShareSessionLimitReached", Retry),
];

#[cfg(test)]
mod tests {
    use kafka_protocol::error::{ParseResponseErrorCode, ResponseError};
    use krafka::error::ErrorCode;

    use super::*;

    /// Two libraries keep the list by themselves: what either knows is here, and nothing else is.
    #[test]
    fn the_table_holds_every_code_that_is_known_anywhere() {
        for code in i16::MIN..=i16::MAX {
            let client = ErrorCode::from_i16(code);
            let codec = code.err();
            let by_client = !matches!(client, ErrorCode::Unknown(_));
            let by_codec = !matches!(codec, Some(ResponseError::Unknown(_)));
            let found = look_up(code);
            assert_eq!(found.is_some(), by_client || by_codec, "{code}: {client:?}, {codec:?}");
            if let (Some((name, _)), true) = (found, by_client) {
                assert_eq!(name, format!("{client:?}"), "{code}");
            }
        }
    }

    #[test]
    fn each_code_stands_once_and_in_order() {
        let codes: Vec<i16> = TABLE.iter().map(|(code, ..)| *code).collect();
        let all: Vec<i16> = (-1..=133).collect();
        assert_eq!(codes, all);
    }

    /// The client retries by itself what it calls retriable. We do the same, but for these.
    #[test]
    fn what_the_client_retries_is_retried() {
        let differs = [
            // The topic is missing: the client has looked for it long enough, and its creation is ours to ask for.
            ("UnknownTopicOrPartition", User(Need::Topic)),
            ("UnknownTopicId", User(Need::Topic)),
            // The next connection asks the bootstrap servers anew.
            ("RebootstrapRequired", Retry),
        ];
        for (code, name, class) in TABLE {
            let client = ErrorCode::from_i16(*code);
            match differs.iter().find(|(differing, _)| differing == name) {
                Some((_, expected)) => assert_eq!(class, expected, "{name}"),
                None => assert_eq!(*class == Retry, client.is_retriable(), "{name}"),
            }
        }
    }
}

//! The shapes of the requests that are served.

use kafka_protocol::messages::ApiKey;

use super::{Field, Kind, Shape, field, fixed, structs};

/// The shape of a request that is served; `None` for all others.
pub(crate) fn shape(key: ApiKey) -> Option<&'static Shape> {
    Some(match key {
        ApiKey::ApiVersions => &API_VERSIONS,
        ApiKey::Metadata => &METADATA,
        ApiKey::Produce => &PRODUCE,
        ApiKey::Fetch => &FETCH,
        ApiKey::ListOffsets => &LIST_OFFSETS,
        ApiKey::CreateTopics => &CREATE_TOPICS,
        ApiKey::DeleteTopics => &DELETE_TOPICS,
        ApiKey::DeleteRecords => &DELETE_RECORDS,
        ApiKey::InitProducerId => &INIT_PRODUCER_ID,
        ApiKey::OffsetForLeaderEpoch => &OFFSET_FOR_LEADER_EPOCH,
        ApiKey::DescribeConfigs => &DESCRIBE_CONFIGS,
        ApiKey::DescribeCluster => &DESCRIBE_CLUSTER,
        ApiKey::FindCoordinator => &FIND_COORDINATOR,
        _ => return None,
    })
}

const TEXT: Field = field(Kind::Text);
const TEXTS: Field = field(Kind::Texts);
const BYTE: Field = fixed(1);
const SHORT: Field = fixed(2);
const INT: Field = fixed(4);
const INTS: Field = field(Kind::Fixeds(4));
const LONG: Field = fixed(8);
const UUID: Field = fixed(16);

const API_VERSIONS: Shape = Shape { flexible: 3, fields: &[TEXT.since(3), TEXT.since(3)] };

const METADATA: Shape = Shape {
    flexible: 9,
    fields: &[
        structs(&[UUID.since(10), TEXT]),
        BYTE.since(4),
        BYTE.since(8).until(10),
        BYTE.since(8),
    ],
};

const PRODUCE: Shape = Shape {
    flexible: 9,
    fields: &[
        TEXT,
        SHORT,
        INT,
        structs(&[TEXT.until(12), UUID.since(13), structs(&[INT, field(Kind::Blob)])]),
    ],
};

/// Up to version 16: later ones have tagged fields inside of lists, which only followers send.
const FETCH: Shape = Shape {
    flexible: 12,
    fields: &[
        INT.until(14),
        INT,
        INT,
        INT,
        BYTE,
        INT.since(7),
        INT.since(7),
        structs(&[
            TEXT.until(12),
            UUID.since(13),
            structs(&[INT, INT.since(9), LONG, INT.since(12), LONG.since(5), INT]),
        ]),
        structs(&[TEXT.until(12), UUID.since(13), INTS]).since(7),
        TEXT.since(11),
    ],
};

const LIST_OFFSETS: Shape = Shape {
    flexible: 6,
    fields: &[
        INT,
        BYTE.since(2),
        structs(&[TEXT, structs(&[INT, INT.since(4), LONG])]),
        INT.since(10),
    ],
};

const CREATE_TOPICS: Shape = Shape {
    flexible: 5,
    fields: &[
        structs(&[TEXT, INT, SHORT, structs(&[INT, INTS]), structs(&[TEXT, TEXT])]),
        INT,
        BYTE,
    ],
};

const DELETE_TOPICS: Shape =
    Shape { flexible: 4, fields: &[structs(&[TEXT, UUID]).since(6), TEXTS.until(5), INT] };

const DELETE_RECORDS: Shape =
    Shape { flexible: 2, fields: &[structs(&[TEXT, structs(&[INT, LONG])]), INT] };

const INIT_PRODUCER_ID: Shape =
    Shape { flexible: 2, fields: &[TEXT, INT, LONG.since(3), SHORT.since(3)] };

const OFFSET_FOR_LEADER_EPOCH: Shape =
    Shape { flexible: 4, fields: &[INT.since(3), structs(&[TEXT, structs(&[INT, INT, INT])])] };

const DESCRIBE_CONFIGS: Shape =
    Shape { flexible: 4, fields: &[structs(&[BYTE, TEXT, TEXTS]), BYTE, BYTE.since(3)] };

const DESCRIBE_CLUSTER: Shape =
    Shape { flexible: 0, fields: &[BYTE, BYTE.since(1), BYTE.since(2)] };

const FIND_COORDINATOR: Shape =
    Shape { flexible: 3, fields: &[TEXT.until(3), BYTE.since(1), TEXTS.since(4)] };

//! What is served, in which versions.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ApiKey;
use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::protocol::VersionRange;

/// Every request that is served, with its versions.
#[cfg(test)]
pub(crate) fn served() -> &'static [(ApiKey, VersionRange)] {
    SERVED
}

/// Whether a request is served in a version.
pub(crate) fn serves(key: ApiKey, version: i16) -> bool {
    let served = SERVED.iter().find(|served| served.0 == key);
    served.is_some_and(|(_, range)| (range.min..=range.max).contains(&version))
}

/// The list of what is served.
pub(crate) async fn answer() -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_api_keys(list())
}

/// The answer to a version that is newer than ours, in the oldest form, which every client reads.
pub(crate) fn unsupported() -> ApiVersionsResponse {
    let response = ApiVersionsResponse::default().with_api_keys(list());
    response.with_error_code(ResponseError::UnsupportedVersion.code())
}

fn list() -> Vec<ApiVersion> {
    let entry = |(key, range): &(ApiKey, VersionRange)| {
        // librdkafka takes a broker that does not list Produce 0 for one without compression;
        // brokers list it although they refuse it.
        let min = if *key == ApiKey::Produce { 0 } else { range.min };
        let entry = ApiVersion::default().with_api_key(*key as i16);
        entry.with_min_version(min).with_max_version(range.max)
    };
    SERVED.iter().map(entry).collect()
}

const fn versions(min: i16, max: i16) -> VersionRange {
    VersionRange { min, max }
}

/// Requests that are served. Fetch ends at 16: what came later is for followers.
const SERVED: &[(ApiKey, VersionRange)] = &[
    (ApiKey::Produce, versions(3, 13)),
    (ApiKey::Fetch, versions(4, 16)),
    (ApiKey::ListOffsets, versions(1, 10)),
    (ApiKey::Metadata, versions(0, 13)),
    (ApiKey::FindCoordinator, versions(0, 6)),
    (ApiKey::ApiVersions, versions(0, 4)),
    (ApiKey::CreateTopics, versions(2, 7)),
    (ApiKey::DeleteTopics, versions(1, 6)),
    (ApiKey::DeleteRecords, versions(0, 2)),
    (ApiKey::InitProducerId, versions(0, 5)),
    (ApiKey::OffsetForLeaderEpoch, versions(2, 4)),
    (ApiKey::DescribeConfigs, versions(1, 4)),
    (ApiKey::DescribeCluster, versions(0, 2)),
    (ApiKey::DescribeTopicPartitions, versions(0, 0)),
];

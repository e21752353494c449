//! Requests that are not served: the protocol's own error where the answer has a place for it.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{
    AddOffsetsToTxnResponse, ApiKey, ConsumerGroupHeartbeatResponse, CreateDelegationTokenResponse,
    DescribeAclsResponse, DescribeClientQuotasResponse, DescribeDelegationTokenResponse,
    DescribeUserScramCredentialsResponse, EndTxnResponse, GetTelemetrySubscriptionsResponse,
    HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, ListGroupsResponse,
    ListPartitionReassignmentsResponse, ListTransactionsResponse, PushTelemetryResponse,
    ResponseKind, SaslAuthenticateResponse, SaslHandshakeResponse, SyncGroupResponse,
    UpdateFeaturesResponse,
};
use kafka_protocol::protocol::Encodable;

use super::{Answer, Head, versions};
use crate::connection::Closed;

/// Answers with the protocol's error for what is not served.
///
/// # Errors
/// The answer to such a request has no place for an error as a whole, or the version is unknown;
/// brokers close the connection then.
pub(crate) fn answer(head: Head) -> Result<Answer, Closed> {
    if head.key == ApiKey::ApiVersions {
        let response = versions::unsupported();
        return Ok(Box::pin(
            async move { head.encode(0, |out| response.encode(out, OLDEST_VERSIONS)) },
        ));
    }
    let known = head.key.valid_versions();
    let response = response(head.key).filter(|_| (known.min..=known.max).contains(&head.version));
    let response = response.ok_or(Closed::Request("a kind of request that is not served"))?;
    let header_version = head.key.response_header_version(head.version);
    Ok(Box::pin(
        async move { head.encode(header_version, |out| response.encode(out, head.version)) },
    ))
}

/// The answer that says so.
fn response(key: ApiKey) -> Option<ResponseKind> {
    let code = ResponseError::UnsupportedVersion.code();
    Some(match key {
        ApiKey::JoinGroup => JoinGroupResponse::default().with_error_code(code).into(),
        ApiKey::SyncGroup => SyncGroupResponse::default().with_error_code(code).into(),
        ApiKey::Heartbeat => HeartbeatResponse::default().with_error_code(code).into(),
        ApiKey::LeaveGroup => LeaveGroupResponse::default().with_error_code(code).into(),
        ApiKey::ListGroups => ListGroupsResponse::default().with_error_code(code).into(),
        ApiKey::ConsumerGroupHeartbeat => {
            ConsumerGroupHeartbeatResponse::default().with_error_code(code).into()
        }
        ApiKey::EndTxn => EndTxnResponse::default().with_error_code(code).into(),
        ApiKey::AddOffsetsToTxn => AddOffsetsToTxnResponse::default().with_error_code(code).into(),
        ApiKey::ListTransactions => {
            ListTransactionsResponse::default().with_error_code(code).into()
        }
        ApiKey::SaslHandshake => SaslHandshakeResponse::default().with_error_code(code).into(),
        ApiKey::SaslAuthenticate => {
            SaslAuthenticateResponse::default().with_error_code(code).into()
        }
        ApiKey::DescribeAcls => DescribeAclsResponse::default().with_error_code(code).into(),
        ApiKey::CreateDelegationToken => {
            CreateDelegationTokenResponse::default().with_error_code(code).into()
        }
        ApiKey::DescribeDelegationToken => {
            DescribeDelegationTokenResponse::default().with_error_code(code).into()
        }
        ApiKey::DescribeClientQuotas => {
            DescribeClientQuotasResponse::default().with_error_code(code).into()
        }
        ApiKey::DescribeUserScramCredentials => {
            DescribeUserScramCredentialsResponse::default().with_error_code(code).into()
        }
        ApiKey::UpdateFeatures => UpdateFeaturesResponse::default().with_error_code(code).into(),
        ApiKey::ListPartitionReassignments => {
            ListPartitionReassignmentsResponse::default().with_error_code(code).into()
        }
        ApiKey::GetTelemetrySubscriptions => {
            GetTelemetrySubscriptionsResponse::default().with_error_code(code).into()
        }
        ApiKey::PushTelemetry => PushTelemetryResponse::default().with_error_code(code).into(),
        _ => return None,
    })
}

/// The version of the answer that every client reads.
const OLDEST_VERSIONS: i16 = 0;

//! Describes the cluster: one broker.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};

use super::{Caller, NODE, text};

pub(crate) async fn answer(
    caller: Arc<Caller>,
    request: DescribeClusterRequest,
    version: i16,
) -> DescribeClusterResponse {
    let address = caller.local.ip().to_canonical();
    let broker = DescribeClusterBroker::default()
        .with_broker_id(NODE)
        .with_host(text(address.to_string()))
        .with_port(i32::from(caller.local.port()));
    let response = DescribeClusterResponse::default()
        .with_error_message(None)
        .with_cluster_id(text(caller.context.log.cluster_id.clone()))
        .with_controller_id(NODE)
        .with_brokers(vec![broker]);
    if version >= 1 && request.endpoint_type != BROKERS {
        return DescribeClusterResponse::default()
            .with_endpoint_type(request.endpoint_type)
            .with_error_code(ResponseError::MismatchedEndpointType.code());
    }
    response
}

/// The kind of endpoint that we are.
const BROKERS: i8 = 1;

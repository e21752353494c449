//! Consumer groups and transactions have coordinators; here there are none.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

pub(crate) async fn answer(
    request: FindCoordinatorRequest,
    version: i16,
) -> FindCoordinatorResponse {
    // A transaction that waits for a coordinator would wait for ever: that error is final.
    let (error, what) = if request.key_type == TRANSACTION {
        let what = "transactions are not served";
        (ResponseError::TransactionalIdAuthorizationFailed, what)
    } else {
        (ResponseError::CoordinatorNotAvailable, "consumer groups are not served")
    };
    let what = Some(StrBytes::from_static_str(what));
    if version < 4 {
        let response = FindCoordinatorResponse::default();
        let response = response.with_error_code(error.code()).with_node_id(NOBODY).with_port(-1);
        return if version >= 1 { response.with_error_message(what) } else { response };
    }
    let refuse = |key| {
        let coordinator = Coordinator::default().with_key(key).with_node_id(NOBODY).with_port(-1);
        coordinator.with_error_code(error.code()).with_error_message(what.clone())
    };
    let coordinators = request.coordinator_keys.into_iter().map(refuse).collect();
    FindCoordinatorResponse::default().with_coordinators(coordinators)
}

const TRANSACTION: i8 = 1;
const NOBODY: BrokerId = BrokerId(-1);

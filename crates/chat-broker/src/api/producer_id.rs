//! Gives idempotent producers their ids.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Caller;

pub(crate) async fn answer(
    caller: Arc<Caller>,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let response = InitProducerIdResponse::default().with_producer_id(ProducerId(-1));
    if request.transactional_id.is_some() {
        let error = ResponseError::TransactionalIdAuthorizationFailed;
        return response.with_producer_epoch(-1).with_error_code(error.code());
    }
    match next_id(&caller).await {
        Ok(id) => response.with_producer_id(ProducerId(id)).with_producer_epoch(0),
        Err(error) => response.with_producer_epoch(-1).with_error_code(error.code()),
    }
}

/// An id that nobody else gets, nor after a restart.
async fn next_id(caller: &Caller) -> Result<i64, ResponseError> {
    let log = &caller.context.log;
    loop {
        if let Some(id) = log.producer_id() {
            return Ok(id);
        }
        log.run(|log| log.reserve_producers()).await??;
    }
}

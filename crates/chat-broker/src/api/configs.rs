//! Settings of topics and of the broker.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Caller, NODE, code, text};
use crate::log::configs::{KNOWN, Kind, TopicConfigs};

/// A setting as it is told.
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Who set it, as the protocol counts.
    pub(crate) source: i8,
    kind: Kind,
    read_only: Access,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Changeable,
    Fixed,
}

pub(crate) async fn describe(
    caller: Arc<Caller>,
    request: DescribeConfigsRequest,
    version: i16,
) -> DescribeConfigsResponse {
    let synonyms = request.include_synonyms;
    let mut seen = HashSet::new();
    let mut results = Vec::new();
    for resource in request.resources {
        // The same question is answered once, so that answers do not outgrow questions.
        if !seen.insert((resource.resource_type, resource.resource_name.clone())) {
            continue;
        }
        let found = settings(&caller, &resource);
        let error = code(&found);
        let asked = |told: &Told| {
            let keys = resource.configuration_keys.as_ref();
            keys.is_none_or(|keys| keys.is_empty() || keys.iter().any(|key| key == told.name))
        };
        let told = found.unwrap_or_default().into_iter().filter(asked);
        let configs = told.map(|told| entry(told, version, synonyms)).collect();
        results.push(
            DescribeConfigsResult::default()
                .with_error_code(error)
                .with_error_message(None)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
                .with_configs(configs),
        );
    }
    DescribeConfigsResponse::default().with_results(results)
}

fn settings(caller: &Caller, of: &DescribeConfigsResource) -> Result<Vec<Told>, ResponseError> {
    match of.resource_type {
        TOPIC => {
            let topic = caller.context.log.catalog.by_name(&of.resource_name);
            let topic = topic.ok_or(ResponseError::UnknownTopicOrPartition)?;
            Ok(topic_settings(&topic.configs))
        }
        BROKER if of.resource_name.as_str() == NODE.0.to_string() => Ok(broker_settings(caller)),
        _ => Err(ResponseError::InvalidRequest),
    }
}

/// All settings of a topic, given and default ones.
pub(crate) fn topic_settings(configs: &TopicConfigs) -> Vec<Told> {
    let tell = |known: &crate::log::configs::Known| Told {
        name: known.name,
        value: configs.value(known.name).to_owned(),
        source: if configs.is_set(known.name) { SET_FOR_TOPIC } else { DEFAULT },
        kind: known.kind,
        read_only: Access::Changeable,
    };
    KNOWN.iter().map(tell).collect()
}

fn broker_settings(caller: &Caller) -> Vec<Told> {
    let tell = |name, value: String, kind| Told {
        name,
        value,
        source: STATIC,
        kind,
        read_only: Access::Fixed,
    };
    let limits = &caller.context.limits;
    vec![
        tell("auto.create.topics.enable", "false".into(), Kind::Bool),
        tell("broker.id", NODE.0.to_string(), Kind::Int(0)),
        tell("default.replication.factor", "1".into(), Kind::Int(1)),
        tell("max.connections", limits.connections.to_string(), Kind::Int(0)),
        tell("num.partitions", "1".into(), Kind::Int(1)),
        tell("socket.request.max.bytes", limits.frame_bytes.to_string(), Kind::Int(1)),
    ]
}

fn entry(told: Told, version: i16, synonyms: bool) -> DescribeConfigsResourceResult {
    let name = StrBytes::from_static_str(told.name);
    let value = Some(text(told.value));
    let entry = DescribeConfigsResourceResult::default()
        .with_name(name.clone())
        .with_value(value.clone())
        .with_read_only(told.read_only == Access::Fixed)
        .with_config_source(told.source);
    let entry = if version >= 3 {
        entry.with_config_type(told.kind.code()).with_documentation(None)
    } else {
        entry
    };
    if !synonyms {
        return entry;
    }
    let synonym = DescribeConfigsSynonym::default().with_name(name).with_value(value);
    entry.with_synonyms(vec![synonym.with_source(told.source)])
}

/// Kinds of resources.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Sources of values.
const SET_FOR_TOPIC: i8 = 1;
const STATIC: i8 = 4;
const DEFAULT: i8 = 5;

//! Topics: their identity, their settings, their folders.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use uuid::Uuid;

use super::configs::TopicConfigs;
use super::files;
use super::notes::Notes;
use super::partition::{Partition, Place};
use super::recovery::Recovered;
use crate::error::StartError;

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    /// Its identity: a topic made anew under the same name has another one.
    pub(crate) id: Uuid,
    pub(crate) configs: TopicConfigs,
    pub(crate) partitions: Vec<Arc<Partition>>,
}

/// What a topic is made from.
#[derive(Clone, Debug)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) partitions: i32,
    pub(crate) configs: TopicConfigs,
}

/// All topics.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    topics: RwLock<Topics>,
}

#[derive(Debug, Default)]
pub(crate) struct Topics {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

impl Topic {
    /// A partition by its number.
    pub(crate) fn partition(&self, number: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(number).ok()?)
    }

    /// Reads a topic's folder; partitions whose tails were torn say so.
    pub(crate) fn load(folder: &Path, leader_epoch: i32) -> Result<LoadedTopic, StartError> {
        let note = folder.join(TOPIC_FILE);
        let what = "the topic's file is missing";
        let missing = || StartError::Unreadable { path: note.clone(), what };
        let notes = Notes::load(&note)?.ok_or_else(missing)?;
        let name: String = notes.parsed(&note, "name")?;
        let count: i32 = notes.parsed(&note, "partitions")?;
        let settings = notes.lines().filter_map(|(name, value)| {
            let (setting, value) = (name == "config").then(|| value.split_once(' '))??;
            Some((setting, Some(value)))
        });
        let configs = TopicConfigs::parse(settings).map_err(|_| {
            let what = "it has a setting that this version does not know";
            StartError::Unreadable { path: note.clone(), what }
        })?;
        let id = notes.parsed(&note, "id")?;
        let mut partitions = Vec::new();
        let mut torn = Vec::new();
        for number in 0..count {
            let folder = folder.join(number.to_string());
            let mut found = Recovered::load(&folder)?;
            torn.extend(found.torn.take().map(|tail| (number, found.end, tail)));
            let topic = name.clone();
            let place = Place { topic, number, folder, leader_epoch };
            partitions.push(Arc::new(Partition::new(place, found)));
        }
        Ok(LoadedTopic { topic: Self { name, id, configs, partitions }, torn })
    }
}

/// A topic that was read, and what was cut: partition, next offset, file and bytes.
pub(crate) struct LoadedTopic {
    pub(crate) topic: Topic,
    pub(crate) torn: Vec<(i32, i64, super::recovery::Torn)>,
}

impl NewTopic {
    /// Makes the topic's folder: after a crash it is there as a whole or not at all.
    pub(crate) fn create(&self, topics: &Path) -> std::io::Result<PathBuf> {
        let folder = topics.join(folder_name(self.id));
        let unfinished = topics.join(format!("{}{UNFINISHED}", folder_name(self.id)));
        std::fs::create_dir(&unfinished)?;
        for number in 0..self.partitions {
            std::fs::create_dir(unfinished.join(number.to_string()))?;
        }
        let notes = Notes::default()
            .with("name", &self.name)
            .with("id", self.id)
            .with("partitions", self.partitions);
        let add = |notes: Notes, (name, value)| notes.with("config", format!("{name} {value}"));
        let notes = self.configs.given().fold(notes, add);
        notes.store(&unfinished.join(TOPIC_FILE))?;
        std::fs::rename(&unfinished, &folder)?;
        files::sync_folder(topics)?;
        Ok(folder)
    }
}

/// Removes a topic's folder: after a crash it is gone for every later start.
pub(crate) fn remove_folder(topics: &Path, id: Uuid) -> std::io::Result<()> {
    let deleted = topics.join(format!("{}{DELETED}", folder_name(id)));
    std::fs::rename(topics.join(folder_name(id)), &deleted)?;
    files::sync_folder(topics)?;
    std::fs::remove_dir_all(deleted)
}

/// The folder of a topic: its id, in 32 hexadecimal digits.
fn folder_name(id: Uuid) -> String {
    id.simple().to_string()
}

/// Whether a folder is left over from a creation or deletion that did not finish.
pub(crate) fn is_left_over(name: &str) -> bool {
    name.ends_with(UNFINISHED) || name.ends_with(DELETED)
}

impl Catalog {
    fn read(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().by_name.get(name).map(Arc::clone)
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.read().by_id.get(&id).map(Arc::clone)
    }

    /// All topics, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.read().by_name.values().map(Arc::clone).collect()
    }

    /// Topics and partitions.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let topics = self.read();
        let partitions = topics.by_name.values().map(|topic| topic.partitions.len()).sum();
        (topics.by_name.len(), partitions)
    }

    /// Adds a topic.
    pub(crate) fn insert(&self, topic: Arc<Topic>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.by_id.insert(topic.id, Arc::clone(&topic));
        topics.by_name.insert(topic.name.clone(), topic);
    }

    /// Takes a topic out.
    pub(crate) fn remove(&self, topic: &Topic) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.by_id.remove(&topic.id);
        topics.by_name.remove(&topic.name);
    }
}

/// The file of a topic's name and settings.
const TOPIC_FILE: &str = "topic";
const UNFINISHED: &str = ".new";
const DELETED: &str = ".deleted";

//! The broker's data: topics, their logs, and the thread that writes them.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use kafka_protocol::error::ResponseError;
use tokio::sync::{Semaphore, oneshot, watch};
use uuid::Uuid;

use self::appender::Appended;
use self::incoming::IncomingBatch;
use self::notes::Notes;
use self::partition::Partition;
use self::queue::Queue;
use self::thread::{AppendJob, Held, Job, LogThread, LogWork};
use self::topic::{Catalog, NewTopic, Topic};
use crate::connection::room::Room;
use crate::error::StartError;
use crate::report::{StartReport, TornTail};

pub(crate) mod appender;
pub(crate) mod batch;
mod checkpoint;
mod compaction;
pub(crate) mod configs;
mod epochs;
mod files;
pub(crate) mod incoming;
mod index;
mod notes;
pub(crate) mod partition;
mod producers;
mod queue;
mod recovery;
mod retention;
mod scan;
mod segment;
pub(crate) mod thread;
pub(crate) mod topic;

/// The broker's data, open.
#[derive(Debug)]
pub(crate) struct Log {
    topics: PathBuf,
    state: Mutex<State>,
    state_file: PathBuf,
    pub(crate) cluster_id: String,
    /// Raised by each start.
    pub(crate) leader_epoch: i32,
    pub(crate) catalog: Arc<Catalog>,
    queue: Arc<Queue<Job>>,
    places: Arc<Semaphore>,
    news: watch::Receiver<u64>,
}

/// What the broker notes of itself.
#[derive(Clone, Debug)]
struct State {
    cluster_id: String,
    leader_epoch: i32,
    /// The next producer id to give out, and the first that is not reserved in the file.
    next_producer: i64,
    reserved: i64,
}

/// The answer to an append, once it is durable.
pub(crate) type Waiting = oneshot::Receiver<Result<Appended, ResponseError>>;

impl Log {
    /// Opens a data folder, making it if need be, and starts the log thread.
    pub(crate) fn open(data: &Path) -> Result<(Arc<Self>, LogThread, StartReport), StartError> {
        let topics = data.join("topics");
        std::fs::create_dir_all(&topics).map_err(StartError::data("make", &topics))?;
        let lock = lock(data)?;
        let state_file = data.join("broker");
        let mut state = State::load(&state_file)?;
        state.leader_epoch = next_epoch(state.leader_epoch, SystemTime::now());
        state.reserve();
        let leader_epoch = state.leader_epoch;
        let mut report = StartReport { leader_epoch, ..StartReport::default() };
        let catalog = Arc::new(Catalog::default());
        load_topics(&topics, &catalog, &mut report)?;
        // Written last: a start that fails leaves the folder as it was, torn tails aside.
        state.store(&state_file).map_err(StartError::data("write", &state_file))?;
        let queue = Arc::new(Queue::new());
        let (tell, news) = watch::channel(0);
        let work = LogWork { queue: Arc::clone(&queue), catalog: Arc::clone(&catalog), news: tell };
        let thread =
            LogThread::start(work, lock).map_err(StartError::data("start a thread for", data))?;
        let log = Self {
            topics,
            cluster_id: state.cluster_id.clone(),
            leader_epoch,
            state: Mutex::new(state),
            state_file,
            catalog,
            queue,
            places: Arc::new(Semaphore::new(QUEUED)),
            news,
        };
        Ok((Arc::new(log), thread, report))
    }

    /// Hands a batch to the log thread; waits while its queue is full.
    ///
    /// * `bytes` - what its request holds of the shared budget, given back when it is durable
    pub(crate) async fn submit(
        &self,
        to: (Arc<Topic>, Arc<Partition>),
        batch: IncomingBatch,
        bytes: Arc<Room>,
    ) -> Result<Waiting, ResponseError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| ResponseError::KafkaStorageError)?;
        let (reply, waiting) = oneshot::channel();
        let ((topic, partition), held) = (to, Held { _place: place, _bytes: bytes });
        let job = Job::Append(AppendJob { topic, partition, batch, reply, held });
        self.queue.push(job).map_err(|_| ResponseError::KafkaStorageError)?;
        Ok(waiting)
    }

    /// Runs work on the log thread, behind everything that was handed to it before.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, ResponseError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| ResponseError::KafkaStorageError)?;
        let (reply, answer) = oneshot::channel();
        let log = Arc::clone(self);
        let job = Job::Run(Box::new(move || {
            drop(reply.send(work(&log)));
            drop(place);
        }));
        self.queue.push(job).map_err(|_| ResponseError::KafkaStorageError)?;
        answer.await.map_err(|_| ResponseError::KafkaStorageError)
    }

    /// Changes whenever there may be something new to read.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.clone()
    }

    /// Makes a topic. On the log thread.
    pub(crate) fn create_topic(&self, new: &NewTopic) -> Result<Arc<Topic>, ResponseError> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(topic = new.name, %error, "a topic cannot be made");
            ResponseError::KafkaStorageError
        };
        let folder = new.create(&self.topics).map_err(|error| failed(&error))?;
        let loaded = Topic::load(&folder, self.leader_epoch).map_err(|error| failed(&error))?;
        let topic = Arc::new(loaded.topic);
        self.catalog.insert(Arc::clone(&topic));
        Ok(topic)
    }

    /// Deletes a topic with all its records. On the log thread.
    pub(crate) fn delete_topic(&self, topic: &Topic) -> Result<(), ResponseError> {
        if self.catalog.by_id(topic.id).is_none() {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        self.catalog.remove(topic);
        for partition in &topic.partitions {
            partition.view_mut().gone = Some(ResponseError::UnknownTopicOrPartition);
        }
        topic::remove_folder(&self.topics, topic.id).map_err(|error| {
            tracing::error!(topic = topic.name, %error, "a topic's files cannot be removed");
            ResponseError::KafkaStorageError
        })
    }

    /// Removes what the topics keep no longer. On the log thread.
    pub(crate) fn clean(&self) {
        let now = appender::now();
        for topic in self.catalog.all() {
            for partition in &topic.partitions {
                if let Err(error) = partition.retain(&topic.configs, now) {
                    let (topic, partition) = (&topic.name, partition.number);
                    tracing::warn!(topic, partition, ?error, "old records cannot be removed");
                }
            }
        }
    }

    /// Compacts every topic that asks for it.
    pub(crate) async fn compact(self: &Arc<Self>) -> Result<(), ResponseError> {
        for topic in self.catalog.all().into_iter().filter(|topic| topic.configs.is_compacted()) {
            for partition in &topic.partitions {
                if let Err(error) = self.compact_one(&topic, partition).await? {
                    let (topic, partition) = (&topic.name, partition.number);
                    tracing::warn!(topic, partition, %error, "a log could not be compacted");
                }
            }
        }
        Ok(())
    }

    async fn compact_one(
        self: &Arc<Self>,
        topic: &Arc<Topic>,
        partition: &Arc<Partition>,
    ) -> Result<std::io::Result<()>, ResponseError> {
        let (topic, partition) = (Arc::clone(topic), Arc::clone(partition));
        let log = Arc::clone(&partition);
        let written =
            tokio::task::spawn_blocking(move || log.compact(&topic.configs, appender::now()));
        let written = match written.await {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => return Ok(Err(error)),
            Err(error) => return Ok(Err(std::io::Error::other(error))),
        };
        for compacted in written {
            let partition = Arc::clone(&partition);
            let replaced = self.run(move |_| partition.replace(compacted)).await?;
            if replaced.is_err() {
                return Ok(replaced);
            }
        }
        Ok(Ok(()))
    }

    /// Gives out a producer id that was never given out before; `None` if a new block of them has
    /// to be reserved first.
    pub(crate) fn producer_id(&self) -> Option<i64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let id = state.next_producer;
        (id < state.reserved).then(|| {
            state.next_producer += 1;
            id
        })
    }

    /// Reserves a block of producer ids. On the log thread.
    pub(crate) fn reserve_producers(&self) -> Result<(), ResponseError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next_producer < state.reserved {
            return Ok(());
        }
        let mut reserved = state.clone();
        reserved.reserve();
        reserved.store(&self.state_file).map_err(|error| {
            tracing::error!(%error, "the broker's file cannot be written");
            ResponseError::KafkaStorageError
        })?;
        *state = reserved;
        Ok(())
    }
}

impl State {
    fn load(path: &Path) -> Result<Self, StartError> {
        let Some(notes) = Notes::load(path)? else {
            let cluster_id = Uuid::new_v4().simple().to_string();
            return Ok(Self { cluster_id, leader_epoch: 0, next_producer: 0, reserved: 0 });
        };
        let reserved = notes.parsed(path, "next_producer_id")?;
        Ok(Self {
            cluster_id: notes.parsed(path, "cluster_id")?,
            leader_epoch: notes.parsed(path, "leader_epoch")?,
            next_producer: reserved,
            reserved,
        })
    }

    fn reserve(&mut self) {
        self.reserved = self.reserved.saturating_add(PRODUCER_BLOCK);
    }

    fn store(&self, path: &Path) -> std::io::Result<()> {
        Notes::default()
            .with("cluster_id", &self.cluster_id)
            .with("leader_epoch", self.leader_epoch)
            .with("next_producer_id", self.reserved)
            .store(path)
    }
}

/// Takes the folder for this process.
fn lock(data: &Path) -> Result<File, StartError> {
    let path = data.join("lock");
    let options = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = options.map_err(StartError::data("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked { folder: data.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StartError::data("lock", &path)(error)),
    }
}

/// Reads every topic's folder; removes what unfinished creations and deletions left.
fn load_topics(
    topics: &Path,
    catalog: &Catalog,
    report: &mut StartReport,
) -> Result<(), StartError> {
    let listing = || StartError::data("list", topics);
    for entry in std::fs::read_dir(topics).map_err(listing())? {
        let folder = entry.map_err(listing())?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if topic::is_left_over(&name) {
            std::fs::remove_dir_all(&folder).map_err(StartError::data("remove", &folder))?;
            continue;
        }
        let loaded = Topic::load(&folder, report.leader_epoch)?;
        for (partition, offset, tail) in loaded.torn {
            let (topic, bytes) = (loaded.topic.name.clone(), tail.bytes);
            tracing::warn!(topic, partition, offset, bytes, "a torn tail was cut");
            report.torn_tails.push(TornTail { topic, partition, offset, bytes, file: tail.file });
        }
        report.topics += 1;
        report.partitions += loaded.topic.partitions.len();
        catalog.insert(Arc::new(loaded.topic));
    }
    Ok(())
}

/// The leader epoch of a start: above the last one, and above all that a folder has seen which was put
/// back from an older copy, since it counts seconds.
fn next_epoch(last: i32, now: SystemTime) -> i32 {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i32::try_from(seconds.saturating_sub(YEAR_2025)).unwrap_or(0);
    last.saturating_add(1).max(seconds)
}

/// The beginning of 2025, in seconds since 1970: epochs have 31 bits, and last until 2093.
const YEAR_2025: u64 = 1_735_689_600;
/// Jobs that may wait for the log thread.
const QUEUED: usize = 1024;
/// Producer ids reserved at once.
const PRODUCER_BLOCK: i64 = 1_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn epochs_rise_whatever_the_clock_and_the_folder_say() {
        let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(next_epoch(0, at(YEAR_2025 + 9)), 9);
        assert_eq!(next_epoch(9, at(YEAR_2025 + 9)), 10);
        assert_eq!(next_epoch(9, at(0)), 10, "a clock that stands in 1970");
        assert_eq!(next_epoch(3, at(YEAR_2025 + 20)), 20, "a folder from an older copy");
        assert_eq!(next_epoch(3, at(u64::from(u32::MAX) * 2)), 4, "a clock far ahead");
    }
}

//! The one thread that writes: it takes all work that waits, appends, syncs once per partition,
//! and only then answers. That is group commit.

use std::fs::File;
use std::sync::Arc;
use std::thread::JoinHandle;

use kafka_protocol::error::ResponseError;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::appender::Appended;
use super::incoming::IncomingBatch;
use super::partition::Partition;
use super::queue::Queue;
use super::topic::{Catalog, Topic};
use crate::connection::room::Room;

/// Work for the log thread.
pub(crate) enum Job {
    /// Append a batch.
    Append(AppendJob),
    /// Do something with files, after everything before it is durable.
    Run(Box<dyn FnOnce() + Send>),
}

/// A batch to append, and who waits for it.
pub(crate) struct AppendJob {
    pub(crate) topic: Arc<Topic>,
    pub(crate) partition: Arc<Partition>,
    pub(crate) batch: IncomingBatch,
    pub(crate) reply: oneshot::Sender<Result<Appended, ResponseError>>,
    pub(crate) held: Held,
}

/// What a job holds until it is done: a place in the queue, and its request's bytes.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) _place: OwnedSemaphorePermit,
    pub(crate) _bytes: Arc<Room>,
}

/// The log thread. Dropping it finishes what is queued and frees the data folder.
#[derive(Debug)]
pub(crate) struct LogThread {
    queue: Arc<Queue<Job>>,
    handle: Option<JoinHandle<()>>,
}

impl LogThread {
    /// Starts the thread; it holds the folder's lock until it ends.
    pub(crate) fn start(work: LogWork, lock: File) -> std::io::Result<Self> {
        let queue = Arc::clone(&work.queue);
        let run = move || {
            work.run();
            drop(lock);
        };
        let handle = std::thread::Builder::new().name("chat-broker-log".into()).spawn(run)?;
        Ok(Self { queue, handle: Some(handle) })
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(handle) = self.handle.take() {
            drop(handle.join());
        }
    }
}

/// What the thread works with.
#[derive(Debug)]
pub(crate) struct LogWork {
    pub(crate) queue: Arc<Queue<Job>>,
    pub(crate) catalog: Arc<Catalog>,
    /// Counts up whenever there may be something new to read.
    pub(crate) news: watch::Sender<u64>,
}

/// Batches that are appended and not durable yet.
#[derive(Default)]
struct Round {
    dirty: Vec<(Arc<Partition>, Result<(), ResponseError>)>,
    waiting: Vec<Waiting>,
}

/// Somebody who waits for a batch, and which of the round's partitions it went to.
struct Waiting {
    at: usize,
    appended: Appended,
    reply: oneshot::Sender<Result<Appended, ResponseError>>,
    held: Held,
}

impl LogWork {
    fn run(self) {
        // Whatever ends this thread, nobody may wait for it any longer.
        let _closing = Closing(&self.queue);
        while let Some(jobs) = self.queue.take() {
            let mut round = Round::default();
            for job in jobs {
                match job {
                    Job::Append(job) => round.append(job),
                    Job::Run(work) => {
                        self.commit(&mut round);
                        work();
                        self.tell();
                    }
                }
            }
            self.commit(&mut round);
        }
        for topic in self.catalog.all() {
            topic.partitions.iter().for_each(|partition| partition.close());
        }
    }

    /// Syncs every partition that was written to, then answers.
    fn commit(&self, round: &mut Round) {
        if round.dirty.is_empty() {
            return;
        }
        for (partition, outcome) in &mut round.dirty {
            *outcome = partition.flush();
        }
        self.tell();
        for waiting in round.waiting.drain(..) {
            let flushed = round.dirty.get(waiting.at).map_or(Ok(()), |dirty| dirty.1);
            drop(waiting.held);
            // Nobody waits for a batch whose connection ended; it is appended all the same.
            waiting.reply.send(flushed.map(|()| waiting.appended)).ok();
        }
        round.dirty.clear();
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Round {
    fn append(&mut self, job: AppendJob) {
        let AppendJob { topic, partition, batch, reply, held } = job;
        match partition.append(&batch, &topic.configs) {
            Err(error) => {
                reply.send(Err(error)).ok();
            }
            Ok(appended) => {
                let same = |dirty: &(Arc<Partition>, _)| Arc::ptr_eq(&dirty.0, &partition);
                let at = self.dirty.iter().position(same).unwrap_or_else(|| {
                    self.dirty.push((partition, Ok(())));
                    self.dirty.len() - 1
                });
                self.waiting.push(Waiting { at, appended, reply, held });
            }
        }
    }
}

/// Closes the queue when the thread ends, and drops what is in it.
struct Closing<'a>(&'a Queue<Job>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
        drop(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;
    use uuid::Uuid;

    use super::super::batch::tests::batch;
    use super::super::configs::TopicConfigs;
    use super::super::topic::NewTopic;
    use super::*;

    #[test]
    fn everything_that_waits_is_committed_at_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let (name, configs) = ("mail".to_owned(), TopicConfigs::default());
        let new = NewTopic { name, id: Uuid::new_v4(), partitions: 2, configs };
        let topic = Arc::new(Topic::load(&new.create(folder.path()).unwrap(), 1).unwrap().topic);
        let queue = Arc::new(Queue::new());
        let (news, seen) = watch::channel(0);
        let places = Arc::new(Semaphore::new(100));
        let place = || Arc::clone(&places).try_acquire_owned().unwrap();
        let bytes = Arc::new(Room::default());
        let mut replies = Vec::new();
        for number in 0..50 {
            let bytes = Arc::clone(&bytes);
            let held = Held { _place: place(), _bytes: bytes };
            let partition = Arc::clone(topic.partition(number % 2).unwrap());
            let batch = batch(&[(None, "x")], (-1, -1, -1));
            let batch = IncomingBatch::check(batch, &topic.configs).unwrap();
            let (reply, answer) = oneshot::channel();
            let job = AppendJob { topic: Arc::clone(&topic), partition, batch, reply, held };
            assert!(queue.push(Job::Append(job)).is_ok());
            replies.push(answer);
        }
        queue.close();
        LogWork { queue, catalog: Arc::default(), news }.run();
        // Told once, so committed once: one write and one sync for each of the two partitions.
        assert_eq!(*seen.borrow(), 1);
        for (number, mut reply) in (0..).zip(replies) {
            assert_eq!(reply.try_recv().unwrap().unwrap().base_offset, number / 2);
        }
        for partition in &topic.partitions {
            assert_eq!(partition.bounds().unwrap().end, 25);
        }
        assert_eq!(places.available_permits(), 100, "places are free again");
    }

    #[test]
    fn a_log_that_cannot_be_written_is_closed_until_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let (name, configs) = ("mail".to_owned(), TopicConfigs::default());
        let new = NewTopic { name, id: Uuid::new_v4(), partitions: 1, configs };
        let topic = Topic::load(&new.create(folder.path()).unwrap(), 1).unwrap().topic;
        let partition = topic.partition(0).unwrap();
        let batch = IncomingBatch::check(batch(&[(None, "x")], (1, 0, 0)), &topic.configs).unwrap();
        // Something else has the name of the first segment.
        let taken = partition.folder.join("00000000000000000000.log");
        std::fs::create_dir(&taken).unwrap();
        for _ in 0..2 {
            let refused = partition.append(&batch, &topic.configs);
            assert_eq!(refused, Err(ResponseError::KafkaStorageError));
        }
        std::fs::remove_dir(&taken).unwrap();
        assert_eq!(partition.bounds(), Err(ResponseError::KafkaStorageError), "closed for good");
        let again = Topic::load(partition.folder.parent().unwrap(), 2).unwrap().topic;
        let partition = again.partition(0).unwrap();
        assert_eq!(partition.append(&batch, &again.configs).unwrap().base_offset, 0);
        partition.flush().unwrap();
        assert_eq!(partition.bounds().unwrap().end, 1);
    }
}

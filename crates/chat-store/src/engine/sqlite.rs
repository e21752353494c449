//! The default engine: SQLite in WAL mode.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::{Engine, Order, Range, Row, Txn};
use crate::error::{OpenError, StoreError};
use crate::schema::{TABLES, Table};

/// See the module.
pub(crate) struct SqliteEngine {
    path: PathBuf,
    /// Connections that are not in use.
    idle: Mutex<Vec<Connection>>,
    /// Threads of one process queue here instead of polling the file's lock.
    writer: Mutex<()>,
}

impl SqliteEngine {
    /// Opens the database file, which exists.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(OpenError::OldSqlite { found: rusqlite::version() });
        }
        let engine = Self { path: path.to_owned(), idle: Mutex::default(), writer: Mutex::default() };
        let connection = engine.connect()?;
        engine.give_back(connection);
        Ok(engine)
    }

    /// Makes the tables that are missing.
    pub(crate) fn ensure_tables(&self) -> Result<(), StoreError> {
        let connection = self.take()?;
        for table in TABLES {
            // Large values lie better apart from the keys.
            let clustered = if table.large { "" } else { "WITHOUT ROWID" };
            let name = table.name;
            connection.execute_batch(&format!(
                "CREATE TABLE IF NOT EXISTS {name} (k BLOB NOT NULL PRIMARY KEY, v BLOB NOT NULL) {clustered}"
            ))?;
        }
        self.give_back(connection);
        Ok(())
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(128);
        // WAL lets readers and one writer work at once, in several processes. FULL syncs each commit.
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; \
             PRAGMA temp_store=MEMORY; PRAGMA fullfsync=ON; PRAGMA trusted_schema=OFF;",
        )?;
        Ok(connection)
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl Engine for SqliteEngine {
    fn begin_write(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = self.take()?;
        // A plain BEGIN would take the write lock too late: a busy error that no timeout absorbs.
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Box::new(SqliteTxn { engine: self, connection: Some(connection), _writer: Some(guard) }))
    }

    fn begin_read(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let connection = self.take()?;
        connection.execute_batch("BEGIN DEFERRED")?;
        Ok(Box::new(SqliteTxn { engine: self, connection: Some(connection), _writer: None }))
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.take()?;
        let found = {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        self.give_back(connection);
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    fn version(&self) -> Result<u32, StoreError> {
        let connection = self.take()?;
        let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        self.give_back(connection);
        Ok(version)
    }
}

impl Drop for SqliteEngine {
    /// Leaves no superseded values behind in the log. Failing is harmless: the next one does it.
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = idle.pop() {
            idle.clear();
            drop(connection.busy_timeout(Duration::ZERO));
            drop(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        }
    }
}

struct SqliteTxn<'a> {
    engine: &'a SqliteEngine,
    /// Present until the transaction has ended.
    connection: Option<Connection>,
    _writer: Option<MutexGuard<'a, ()>>,
}

impl SqliteTxn<'_> {
    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| StoreError::damaged("the transaction has ended"))
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.connection()?.prepare_cached(sql)?.execute([]).map(drop)?)
    }
}

impl Txn for SqliteTxn<'_> {
    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = format!("SELECT v FROM {} WHERE k = ?1", table.name);
        let mut statement = self.connection()?.prepare_cached(&sql)?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    fn put(&self, table: &Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let sql = format!("INSERT OR REPLACE INTO {} (k, v) VALUES (?1, ?2)", table.name);
        self.connection()?.prepare_cached(&sql)?.execute(params![key, value])?;
        Ok(())
    }

    fn delete(&self, table: &Table, key: &[u8]) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM {} WHERE k = ?1", table.name);
        Ok(self.connection()?.prepare_cached(&sql)?.execute([key])? > 0)
    }

    fn scan(&self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError> {
        let bound = if range.to.is_some() { "AND k < ?2" } else { "AND ?2 IS NULL" };
        let order = if range.order == Order::Falling { "DESC" } else { "ASC" };
        let sql =
            format!("SELECT k, v FROM {} WHERE k >= ?1 {bound} ORDER BY k {order} LIMIT ?3", table.name);
        let mut statement = self.connection()?.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement
            .query_map(params![range.from, range.to, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn savepoint(&self) -> Result<(), StoreError> {
        self.run("SAVEPOINT nested")
    }

    fn release(&self) -> Result<(), StoreError> {
        self.run("RELEASE nested")
    }

    fn rollback(&self) -> Result<(), StoreError> {
        self.run("ROLLBACK TO nested")?;
        self.run("RELEASE nested")
    }

    fn set_version(&self, version: u32) -> Result<(), StoreError> {
        Ok(self.connection()?.pragma_update(None, "user_version", version)?)
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.run("COMMIT")?;
        if let Some(connection) = self.connection.take() {
            self.engine.give_back(connection);
        }
        Ok(())
    }
}

impl Drop for SqliteTxn<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.execute_batch("ROLLBACK").is_ok()
        {
            self.engine.give_back(connection);
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Locked
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(error.to_string()),
            Some(ErrorCode::TooBig) => Self::TooLong { len: usize::MAX, max: 1_000_000_000 },
            _ => Self::Engine(Box::new(error)),
        }
    }
}

/// Before 3.51.3, two processes could lose commits (the WAL-reset race).
const OLDEST_SQLITE: i32 = 3_051_003;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

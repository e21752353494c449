//! The default engine: SQLite in WAL mode.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, OptionalExtension, Params, ffi, params};

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
    /// How long another process is waited for.
    patience: Duration,
}

impl SqliteEngine {
    /// Opens the database file, which exists.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(OpenError::OldSqlite { found: rusqlite::version() });
        }
        let engine = Self {
            path: path.to_owned(),
            idle: Mutex::default(),
            writer: Mutex::default(),
            patience: BUSY_TIMEOUT,
        };
        let connection = engine.connect()?;
        engine.give_back(connection);
        Ok(engine)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        self.try_connect().map_err(|error| {
            let code = error.sqlite_error().map(|failure| failure.extended_code);
            let unsaid = [Some(ffi::SQLITE_CANTOPEN), Some(ffi::SQLITE_IOERR_SHMSIZE)];
            if unsaid.contains(&code) { why_not(&self.path, error) } else { error.into() }
        })
    }

    fn try_connect(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.patience)?;
        connection.set_prepared_statement_cache_capacity(128);
        // Plans that depend on bound values, such as a LIMIT, would be made anew with every one of them.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // WAL lets readers and one writer work at once, in several processes. FULL syncs each commit. Up to 16 MiB of it
        // go into the database at once: the pages that change again and again are written there once.
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; \
             PRAGMA temp_store=MEMORY; PRAGMA fullfsync=ON; PRAGMA trusted_schema=OFF; \
             PRAGMA cell_size_check=ON; PRAGMA wal_autocheckpoint=4000;",
        )?;
        Ok(connection)
    }

    /// Like [`open`](Self::open), with less patience and statements that run on each connection.
    #[cfg(test)]
    pub(crate) fn with_settings(
        path: &Path,
        patience: Duration,
        pragma: &str,
    ) -> Result<Self, OpenError> {
        let mut engine = Self::open(path)?;
        engine.patience = patience;
        for connection in engine.idle.get_mut().unwrap_or_else(PoisonError::into_inner) {
            connection.busy_timeout(patience).map_err(StoreError::from)?;
            connection.execute_batch(pragma).map_err(StoreError::from)?;
        }
        Ok(engine)
    }

    fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.take()?;
        let found = {
            let mut statement = connection.prepare("PRAGMA integrity_check")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        self.give_back(connection);
        Ok(found.into_iter().filter(|line| line != "ok").collect())
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
        Ok(Box::new(SqliteTxn::new(self, connection, Some(guard))))
    }

    fn begin_read(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let connection = self.take()?;
        connection.execute_batch("BEGIN DEFERRED")?;
        Ok(Box::new(SqliteTxn::new(self, connection, None)))
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        match self.integrity_check() {
            // A file that cannot be checked at all is damaged too.
            Err(StoreError::Damaged { what }) => Ok(vec![what]),
            other => other,
        }
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
    /// Present while the transaction may write.
    writer: Option<MutexGuard<'a, ()>>,
    /// Whether the disk was full: it is why SQLite has ended the transaction.
    full: Cell<bool>,
}

impl<'a> SqliteTxn<'a> {
    fn new(
        engine: &'a SqliteEngine,
        connection: Connection,
        writer: Option<MutexGuard<'a, ()>>,
    ) -> Self {
        Self { engine, connection: Some(connection), writer, full: Cell::new(false) }
    }

    /// The connection, for a statement that writes.
    ///
    /// After some errors, such as a full disk, SQLite has rolled the whole transaction back. Each
    /// further statement would then be a transaction of its own.
    fn writable(&self) -> Result<&Connection, StoreError> {
        if self.writer.is_none() {
            return Err(StoreError::ReadOnly);
        }
        let connection = self.connection()?;
        match connection.is_autocommit() {
            false => Ok(connection),
            true if self.full.get() => Err(StoreError::Full),
            true => Err(StoreError::Engine("the transaction was rolled back".into())),
        }
    }

    /// Runs a statement that writes; returns how many rows it changed.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        let done = self.writable()?.prepare_cached(sql).and_then(|mut s| s.execute(params));
        done.map_err(|error| {
            let error = StoreError::from(error);
            self.full.set(self.full.get() || matches!(error, StoreError::Full));
            error
        })
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| StoreError::damaged("the transaction has ended"))
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
        self.execute(&sql, params![key, value]).map(drop)
    }

    fn delete(&self, table: &Table, key: &[u8]) -> Result<bool, StoreError> {
        let sql = format!("DELETE FROM {} WHERE k = ?1", table.name);
        Ok(self.execute(&sql, [key])? > 0)
    }

    fn scan(&self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError> {
        let bound = if range.to.is_some() { "AND k < ?2" } else { "AND ?2 IS NULL" };
        let order = if range.order == Order::Falling { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT k, v FROM {} WHERE k >= ?1 {bound} ORDER BY k {order} LIMIT ?3",
            table.name
        );
        let mut statement = self.connection()?.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![range.from, range.to, limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        let rows = rows.collect::<Result<Vec<Row>, _>>()?;
        // A damaged tree can give keys out of order: whoever reads page by page would never end.
        let falling = range.order == Order::Falling;
        let ordered = rows.is_sorted_by(|(a, _), (b, _)| if falling { a > b } else { a < b });
        let inside = |(key, _): &Row| range.contains(key);
        if ordered && rows.first().is_none_or(inside) && rows.last().is_none_or(inside) {
            Ok(rows)
        } else {
            Err(StoreError::damaged(format!("the keys of table {} are out of order", table.name)))
        }
    }

    fn walk(
        &self,
        table: &Table,
        visit: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        // Without an order and without a bound, the tree is gone through from leaf to leaf.
        let sql = format!("SELECT k, v FROM {} NOT INDEXED", table.name);
        let mut statement = self.connection()?.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if visit((row.get(0)?, row.get(1)?)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn savepoint(&self) -> Result<(), StoreError> {
        self.execute("SAVEPOINT nested", []).map(drop)
    }

    fn release(&self) -> Result<(), StoreError> {
        self.execute("RELEASE nested", []).map(drop)
    }

    fn rollback(&self) -> Result<(), StoreError> {
        self.execute("ROLLBACK TO nested", [])?;
        self.execute("RELEASE nested", []).map(drop)
    }

    fn version(&self) -> Result<u32, StoreError> {
        Ok(self.connection()?.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    fn set_version(&self, version: u32) -> Result<(), StoreError> {
        Ok(self.writable()?.pragma_update(None, "user_version", version)?)
    }

    fn ensure_tables(&self) -> Result<(), StoreError> {
        for table in TABLES {
            // Large values lie better apart from the keys.
            let clustered = if table.large { "" } else { "WITHOUT ROWID" };
            let name = table.name;
            let columns = "(k BLOB NOT NULL PRIMARY KEY, v BLOB NOT NULL)";
            self.execute(&format!("CREATE TABLE IF NOT EXISTS {name} {columns} {clustered}"), [])?;
        }
        Ok(())
    }

    #[cfg(test)]
    fn force_rollback(&self) -> Result<(), StoreError> {
        Ok(self.connection()?.execute_batch("ROLLBACK")?)
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        // A transaction that only reads has nothing to make durable.
        if self.writer.is_some() {
            self.execute("COMMIT", [])?;
        } else {
            self.connection()?.execute_batch("COMMIT")?;
        }
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

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        // The store's own statements are sound, so one that does not fit the file says that the
        // file is not what was written.
        let misfit = matches!(error, Error::InvalidColumnType(..) | Error::SqlInputError { .. });
        let extended = error.sqlite_error().map(|failure| failure.extended_code);
        if extended == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            None | Some(ErrorCode::Unknown) if misfit => Self::damaged(error.to_string()),
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly
            }
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::damaged(error.to_string())
            }
            Some(ErrorCode::SystemIoFailure) => Self::Disk(Box::new(error)),
            Some(ErrorCode::TooBig) => Self::TooLong { len: usize::MAX, max: 1_000_000_000 },
            _ => Self::Engine(Box::new(error)),
        }
    }
}

/// The length that a database file says it has, in bytes, where it is shorter than that.
pub(crate) fn missing_length(path: &Path) -> io::Result<Option<u64>> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut header = [0; 32];
    let mut file = File::open(path)?;
    if file.read(&mut header)? < header.len() || !header.starts_with(b"SQLite format 3\0") {
        return Ok(None);
    }
    let [.., size_1, size_2, _, _, _, _, _, _, _, _, _, _, a, b, c, d] = header;
    // A page of 64 KiB is written as 1.
    let page = match u64::from(u16::from_be_bytes([size_1, size_2])) {
        1 => 65_536,
        size => size,
    };
    let stated = page.saturating_mul(u64::from(u32::from_be_bytes([a, b, c, d])));
    let missing = (file.metadata()?.len() < stated).then_some(stated);
    // A header that is damaged itself may say anything.
    Ok(missing.filter(|stated| *stated <= MOST_LENGTHENED))
}

/// Why SQLite cannot make its files beside this one: it keeps that to itself, so another file is tried.
fn why_not(path: &Path, error: Error) -> StoreError {
    let probe = path.with_extension("probe");
    let written = File::create(&probe).and_then(|mut file| file.write_all(&[0; 4096]));
    drop(std::fs::remove_file(&probe));
    match written.map_err(|error| error.kind()) {
        Err(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => StoreError::Full,
        Err(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            StoreError::ReadOnly
        }
        _ => StoreError::Disk(Box::new(error)),
    }
}

/// The longest file that is made longer, in bytes; what is added takes no room on the disk.
const MOST_LENGTHENED: u64 = 1 << 36;
/// Before 3.51.3, two processes could lose commits (the WAL-reset race).
const OLDEST_SQLITE: i32 = 3_051_003;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

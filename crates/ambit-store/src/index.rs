//! The index: records, so that they are found quickly, and how often each module was used. All but the latter can be made again.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use ambit_core::Digest;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{
    error::StoreError,
    files::step,
    record::{Record, RecordId},
};

/// The file, beneath the store.
pub(crate) const FILE: &str = "index.sqlite";
/// How long another process that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What has to be done to come from one version of the tables to the next. Never changed: added to.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE records (
        family TEXT NOT NULL,
        item TEXT NOT NULL,
        digest BLOB,
        json TEXT NOT NULL,
        PRIMARY KEY (family, item)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX records_of ON records (digest) WHERE digest IS NOT NULL;
    CREATE TABLE used (
        digest BLOB NOT NULL PRIMARY KEY,
        stored_at INTEGER NOT NULL,
        last_used_at INTEGER,
        uses INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// The index of a store.
#[derive(Debug)]
pub(crate) struct Index {
    // A connection serves one thread at a time.
    connection: Mutex<Connection>,
}

/// A record, as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) item: String,
    pub(crate) json: String,
}

/// How a module was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// When its blob was last stored, in seconds since 1970.
    pub(crate) stored_at: i64,
    /// When it was last loaded.
    pub(crate) last_used_at: Option<i64>,
    /// How often.
    pub(crate) uses: u64,
}

impl Index {
    /// Opens it, checks it, and brings its tables up to date.
    pub(crate) fn open(root: &Path) -> Result<Self, StoreError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match Self::try_open(root) {
                // Whoever changes how the file is written, or mends it after a crash, does so alone, and SQLite does not wait.
                Err(StoreError::Index(error)) if is_busy(&error) && Instant::now() < until => thread::sleep(LOOK_AGAIN),
                opened => return opened,
            }
        }
    }

    fn try_open(root: &Path) -> Result<Self, StoreError> {
        let path = root.join(FILE);
        let failed = |error| StoreError::index(&path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // Nothing that somebody wrote into the file runs.
        connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
        connection.pragma_update(None, "cell_size_check", true).map_err(failed)?;
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed)?;
        if mode != "wal" {
            connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
        }
        // What is acknowledged is on disk.
        connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
        let checked: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if checked != "ok" {
            return Err(StoreError::IndexDamaged { path, why: checked });
        }
        migrate(&mut connection).map_err(failed)??;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything wrong that SQLite can find, at any cost.
    pub(crate) fn thoroughly_checked(&self) -> Result<Option<String>, rusqlite::Error> {
        let found: String = self.connection().query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((found != "ok").then_some(found))
    }

    /// Writes in one go, alone: what `with` does to it is done when it returns, or none of it.
    pub(crate) fn write<T>(&self, with: impl FnOnce(&Writing<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writing = Writing { transaction };
        let done = with(&writing)?;
        step("index.commit").map_err(StoreError::system("write", FILE))?;
        writing.transaction.commit()?;
        Ok(done)
    }

    /// The records of a family.
    pub(crate) fn family(&self, family: &str) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT item, json FROM records WHERE family = ? ORDER BY item")?;
        let rows = statement.query_map([family], |row| Ok(Row { item: row.get(0)?, json: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The records about a module: where each is, and what it says.
    pub(crate) fn about(&self, digest: Digest) -> Result<Vec<(RecordId, String)>, StoreError> {
        about(&self.connection(), digest)
    }

    /// Every record.
    pub(crate) fn all(&self) -> Result<Vec<(RecordId, String)>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT family, item, json FROM records ORDER BY family, item")?;
        let rows = statement.query_map([], |row| Ok((RecordId { family: row.get(0)?, item: row.get(1)? }, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How every module was used.
    pub(crate) fn usage(&self) -> Result<std::collections::HashMap<Digest, Used>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT digest, stored_at, last_used_at, uses FROM used")?;
        let rows = statement.query_map([], |row| {
            let digest: [u8; 32] = row.get(0)?;
            let uses = u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
            Ok((Digest::from_bytes(digest), Used { stored_at: row.get(1)?, last_used_at: row.get(2)?, uses }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How one was used.
    pub(crate) fn used(&self, digest: Digest) -> Result<Used, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT stored_at, last_used_at, uses FROM used WHERE digest = ?")?;
        let row = statement.query_row([digest.as_bytes()], |row| {
            let uses = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            Ok(Used { stored_at: row.get(0)?, last_used_at: row.get(1)?, uses })
        });
        Ok(row.optional()?.unwrap_or_default())
    }

    /// Notes that a module was used. Should the machine go down it may be forgotten, and nobody waits for a disk.
    pub(crate) fn mark_used(&self, digest: Digest, now: i64) -> Result<(), StoreError> {
        let connection = self.connection();
        connection.pragma_update(None, "synchronous", "normal")?;
        let marked = connection.execute(
            "INSERT INTO used (digest, stored_at, last_used_at, uses) VALUES (?1, ?2, ?2, 1)
             ON CONFLICT (digest) DO UPDATE SET last_used_at = ?2, uses = uses + 1",
            params![digest.as_bytes(), now],
        );
        connection.pragma_update(None, "synchronous", "full")?;
        marked?;
        Ok(())
    }
}

/// The index while it is written to.
pub(crate) struct Writing<'a> {
    transaction: Transaction<'a>,
}

impl Writing<'_> {
    pub(crate) fn put(&self, record: &Record, json: &str) -> Result<(), StoreError> {
        let RecordId { family, item } = record.id();
        let digest = record.digest();
        let sql = "INSERT OR REPLACE INTO records (family, item, digest, json) VALUES (?, ?, ?, ?)";
        self.transaction.execute(sql, params![family, item, digest.as_ref().map(|digest| digest.as_bytes().as_slice()), json])?;
        Ok(())
    }

    pub(crate) fn get(&self, id: &RecordId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT json FROM records WHERE family = ? AND item = ?";
        Ok(self.transaction.query_row(sql, [&id.family, &id.item], |row| row.get(0)).optional()?)
    }

    pub(crate) fn about(&self, digest: Digest) -> Result<Vec<(RecordId, String)>, StoreError> {
        about(&self.transaction, digest)
    }

    pub(crate) fn remove(&self, id: &RecordId) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM records WHERE family = ? AND item = ?", [&id.family, &id.item])?;
        Ok(())
    }

    pub(crate) fn forget_family(&self, family: &str) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM records WHERE family = ?", [family])?;
        Ok(())
    }

    pub(crate) fn forget_all(&self) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM records", [])?;
        Ok(())
    }

    /// Notes when a module was stored.
    pub(crate) fn stored(&self, digest: Digest, at: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO used (digest, stored_at, uses) VALUES (?1, ?2, 0) ON CONFLICT (digest) DO UPDATE SET stored_at = ?2";
        self.transaction.execute(sql, params![digest.as_bytes(), at])?;
        Ok(())
    }

    /// The same, if nothing is known of its use.
    pub(crate) fn stored_unless_known(&self, digest: Digest, at: i64) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO used (digest, stored_at, uses) VALUES (?1, ?2, 0)";
        self.transaction.execute(sql, params![digest.as_bytes(), at])?;
        Ok(())
    }

    pub(crate) fn forget_usage(&self, digest: Digest) -> Result<(), StoreError> {
        self.transaction.execute("DELETE FROM used WHERE digest = ?", [digest.as_bytes()])?;
        Ok(())
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn about(connection: &Connection, digest: Digest) -> Result<Vec<(RecordId, String)>, StoreError> {
    let mut statement = connection.prepare("SELECT family, item, json FROM records WHERE digest = ? ORDER BY family, item")?;
    let rows =
        statement.query_map([digest.as_bytes()], |row| Ok((RecordId { family: row.get(0)?, item: row.get(1)? }, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn migrate(connection: &mut Connection) -> Result<Result<(), StoreError>, rusqlite::Error> {
    let version = |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    let current = MIGRATIONS.len() as i64;
    if version(connection)? == current {
        return Ok(Ok(()));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Somebody else may have been quicker.
    let found = version(&transaction)?;
    let Some(missing) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..)) else {
        return Ok(Err(StoreError::NewerIndex { found, known: current }));
    };
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", current)?;
    transaction.commit()?;
    Ok(Ok(()))
}

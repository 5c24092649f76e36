//! Statements on PostgreSQL.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::sync::mpsc;

use futures_util::TryStreamExt;
use kura_model::{Error, Result};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, Socket, Statement};

use super::io::{runtime, wait};
use super::value::{Column, Value};
use super::{Address, Dialect, Row};
use crate::error::{self, postgres as database};

/// Prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 256;

pub(crate) struct Postgres {
    client: Client,
    /// By our text of them.
    statements: RefCell<HashMap<String, Statement>>,
}

impl Postgres {
    /// Connects and runs `setup`.
    pub(super) fn open(address: &Address, setup: &str) -> Result<Self> {
        let client = match &address.0.tls {
            None => connected(address.0.config.clone(), NoTls)?,
            Some(tls) => connected(address.0.config.clone(), tls.clone())?,
        };
        let connection = Self {
            client,
            statements: RefCell::default(),
        };
        connection.batch(setup)?;
        Ok(connection)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn batch(&self, sql: &str) -> Result<()> {
        wait(self.client.batch_execute(sql)).map_err(database)
    }

    /// Ends the transaction; whether it was lost is told apart from whether it failed.
    pub(crate) fn end(&self) -> Result<(), Ending> {
        wait(self.client.batch_execute("COMMIT")).map_err(|error| {
            if error::is_lost(&error) {
                Ending::Unknown
            } else {
                Ending::Failed(database(error))
            }
        })
    }

    fn prepared(&self, sql: &str, types: impl FnOnce() -> Vec<Type>) -> Result<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let text = Dialect::Postgres.statement(sql);
        let statement = wait(self.client.prepare_typed(&text, &types())).map_err(database)?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS_KEPT {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64> {
        let statement = self.prepared(sql, || kinds(values))?;
        wait(self.client.execute_raw(&statement, values)).map_err(database)
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.prepared(sql, || kinds(values))?;
        let rows: Vec<tokio_postgres::Row> = wait(async {
            let rows = self.client.query_raw(&statement, values).await?;
            rows.try_collect().await
        })
        .map_err(database)?;
        rows.iter().map(|row| take(&Row::Postgres(row))).collect()
    }

    /// All rows in one statement: a list a column.
    pub(super) fn insert(
        &self,
        table: &str,
        columns: &[(&str, Column<'_>)],
        repeats: bool,
    ) -> Result<()> {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=columns.len())
            .map(|place| format!("?{place}"))
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({}) SELECT * FROM unnest({}){}",
            names.join(", "),
            places.join(", "),
            if repeats {
                " ON CONFLICT DO NOTHING"
            } else {
                ""
            }
        );
        let statement = self.prepared(&sql, || {
            columns.iter().map(|(_, column)| column.kind()).collect()
        })?;
        let values = columns.iter().map(|(_, column)| column);
        wait(self.client.execute_raw(&statement, values))
            .map(drop)
            .map_err(database)
    }
}

/// How the end of a transaction went wrong.
pub(crate) enum Ending {
    /// It was not written.
    Failed(Error),
    /// The connection went before the answer came.
    Unknown,
}

fn kinds(values: &[Value<'_>]) -> Vec<Type> {
    values.iter().map(Value::kind).collect()
}

/// Connects in the runtime of the sockets, where the connection then lives.
fn connected<T>(config: Config, tls: T) -> Result<Client>
where
    T: MakeTlsConnect<Socket> + Send + 'static,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
{
    in_runtime(async move {
        let (client, connection) = config.connect(tls).await?;
        tokio::spawn(async move {
            // Its end is seen by the client, which says so to whoever waits.
            let _ = connection.await;
        });
        Ok(client)
    })?
    .map_err(error::connecting)
}

fn in_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (tell, told) = mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        let _ = tell.send(work.await);
    });
    told.recv()
        .map_err(|_| Error::internal("the database thread ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handlers of the server call the store from inside of their runtime.
    #[test]
    fn a_refused_connection_inside_a_runtime_is_an_error_and_names_no_address() {
        let outer = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let address = Address::parse("postgres://somebody:secret@127.0.0.1:1/nowhere").unwrap();
        let error = outer
            .block_on(async { Postgres::open(&address, "").err() })
            .unwrap();
        let shown = format!("{error} {error:?}");
        for word in ["secret", "somebody", "127.0.0.1", "nowhere"] {
            assert!(!shown.contains(word), "{shown}");
        }
    }
}

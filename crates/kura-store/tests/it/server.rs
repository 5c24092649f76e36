//! A database of its own on the server the tests were given, dropped at the end.

use kura_store::Address;
use tokio_postgres::{Client, NoTls};

pub(crate) struct Throwaway {
    name: String,
    server: String,
}

/// The server of the tests, if there is one.
pub(crate) fn given() -> Option<String> {
    std::env::var("KURA_TEST_POSTGRES")
        .ok()
        .filter(|address| !address.is_empty())
}

impl Throwaway {
    pub(crate) fn new() -> Option<Self> {
        let server = given()?;
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("kura_test_{}_{number}", std::process::id());
        run(&server, &format!("CREATE DATABASE {name}"));
        Some(Self { name, server })
    }

    /// The address of the database: that of the server with another name at its end.
    pub(crate) fn text(&self) -> String {
        let (server, options) = match self.server.split_once('?') {
            Some((server, options)) => (server, format!("?{options}")),
            None => (&self.server[..], String::new()),
        };
        let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
        format!("{server}/{}{options}", self.name)
    }

    pub(crate) fn address(&self) -> Address {
        Address::parse(&self.text()).expect("an address")
    }

    /// Runs statements in the database, past the store.
    pub(crate) fn run(&self, sql: &str) {
        run(&self.text(), sql);
    }

    /// Asks the database for one text, past the store.
    pub(crate) fn ask(&self, sql: &str) -> String {
        with(&self.text(), async |client| {
            client.query_one(sql, &[]).await.expect("a row").get(0)
        })
    }

    /// Ends every connection to the database but ours.
    pub(crate) fn cut_off(&self) {
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        // The other ends notice within a moment.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        run(
            &self.server,
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

fn run(address: &str, sql: &str) {
    with(address, async |client| {
        client.batch_execute(sql).await.expect("the server does it");
    });
}

fn with<T>(address: &str, work: impl AsyncFnOnce(Client) -> T) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let (client, connection) = tokio_postgres::connect(address, NoTls)
                .await
                .expect("the server of KURA_TEST_POSTGRES answers");
            tokio::spawn(connection);
            work(client).await
        })
}

//! What the tests share: a bank in a temporary folder, the binary, a server, an HTTP client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository")
}

pub fn sample(path: &str) -> PathBuf {
    repository().join("samples/hospital").join(path)
}

/// Data that may not be shipped; `None`, said aloud, where it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = repository().join("../shared/data").join(path);
    if found.exists() {
        Some(found)
    } else {
        eprintln!("SKIPPED: ../shared/data/{path} is not here");
        None
    }
}

/// A tool the tests talk to. `make test` installs all of them and says so; then a missing one
/// is a failure.
pub fn tool(variable: &str, default: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from);
    let there = path.components().count() > 1 && path.exists()
        || Command::new("sh")
            .args(["-c", &format!("command -v '{}'", path.display())])
            .output()
            .is_ok_and(|output| output.status.success());
    if there {
        return Some(path);
    }
    assert!(
        std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "{} is missing",
        path.display()
    );
    eprintln!("SKIPPED: {} is not here; run make test", path.display());
    None
}

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

pub struct TestBank {
    pub folder: TempDir,
    /// Where the bank is on PostgreSQL.
    pub database: Option<Throwaway>,
    /// What reads text in pictures: seconds a frame, so that only who asks has it.
    models: Option<std::ffi::OsString>,
}

impl TestBank {
    /// A place for a bank, without one.
    pub fn place() -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
            database: Throwaway::new(),
            models: None,
        }
    }

    /// The same bank, with what reads text in pictures.
    pub fn reading_pictures(self) -> Self {
        Self {
            models: std::env::var_os("KURA_OCR__MODELS"),
            ..self
        }
    }

    pub fn new() -> Self {
        let bank = Self::place();
        bank.kura(&["init", &bank.path()]).ok();
        bank
    }

    /// With the whole sample hospital in it.
    pub fn sample() -> Self {
        let bank = Self::new();
        let paths: Vec<String> = ["fhir", "dicom", "genomics", "claims"]
            .iter()
            .map(|part| sample(part).display().to_string())
            .collect();
        let mut arguments = vec!["import"];
        arguments.extend(paths.iter().map(String::as_str));
        bank.kura(&arguments).ok();
        bank
    }

    pub fn path(&self) -> String {
        self.folder.path().join("bank").display().to_string()
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let folder = self.folder.path().join("in");
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join(name);
        std::fs::write(&file, bytes).expect("a file");
        file
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kura"));
        command
            .args(arguments)
            .env("KURA_BANK", self.path())
            .env("KURA_OPERATOR", "tester")
            .env_remove("KURA_DATABASE")
            .env_remove("KURA_OCR__MODELS");
        if let Some(models) = &self.models {
            command.env("KURA_OCR__MODELS", models);
        }
        if let Some(database) = &self.database {
            command.env("KURA_DATABASE", &database.address);
        }
        command
    }

    pub fn kura(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("kura runs"))
    }

    /// Imports files and gives the report as JSON; the exit code must be `code`.
    #[track_caller]
    pub fn import(&self, files: &[&Path], code: i32) -> Value {
        let names: Vec<String> = files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let mut arguments = vec!["import", "--format", "json"];
        arguments.extend(names.iter().map(String::as_str));
        self.kura(&arguments).exits(code).json()
    }

    /// What was refused, newest first.
    pub fn refused(&self) -> Vec<Value> {
        let run = self
            .kura(&["import", "--report", "--format", "json", "--limit", "1000"])
            .ok();
        run.json().as_array().expect("a list").clone()
    }

    pub fn live(&self, kind: &str) -> u64 {
        self.tally(kind, "live")
    }

    pub fn versions(&self, kind: &str) -> u64 {
        self.tally(kind, "versions")
    }

    fn tally(&self, kind: &str, what: &str) -> u64 {
        let status = self.kura(&["status", "--format", "json"]).ok().json();
        status["records"]
            .as_array()
            .expect("records")
            .iter()
            .find(|tally| tally["kind"] == kind)
            .map_or(0, |tally| tally[what].as_u64().expect("a count"))
    }

    fn log_file(&self) -> std::fs::File {
        let path = self.folder.path().join("serve.log");
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true);
        options.open(path).expect("a file")
    }

    /// What its servers have said.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("serve.log")).expect("a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, more: &[&str]) -> Server {
        self.serve_as(more, &[])
    }

    /// With these in its environment.
    pub fn serve_as(&self, more: &[&str], environment: &[(&str, &Path)]) -> Server {
        Server::start(self, more, environment)
    }
}

/// A database of a bank's own, dropped with it. Where `KURA_TEST_POSTGRES` has the address of a
/// server, as `postgres://user@host:port/name`, the banks of the tests are there instead of on
/// SQLite.
pub struct Throwaway {
    server: String,
    name: String,
    pub address: String,
}

impl Throwaway {
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("KURA_TEST_POSTGRES").ok()?;
        let name = format!(
            "kura_it_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let (place, _) = server.rsplit_once('/').expect("an address");
        let address = format!("{place}/{name}");
        psql(&server, &format!("CREATE DATABASE {name}"));
        Some(Self {
            server,
            name,
            address,
        })
    }

    /// Runs a statement, past Kura.
    pub fn run(&self, sql: &str) {
        psql(&self.address, sql);
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        psql(
            &self.server,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
    }
}

fn psql(address: &str, sql: &str) {
    let run = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, address])
        .output()
        .expect("psql runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}

pub struct Server {
    child: Child,
    pub address: String,
    /// Port of DICOM associations, where one was asked for.
    pub dicom: Option<u16>,
    /// The same over TLS.
    pub tls: Option<u16>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}\n{}", self.body))
    }

    /// Where to ask after a request that was accepted.
    #[track_caller]
    pub fn place(&self) -> String {
        assert_eq!(self.status, 202, "{}", self.body);
        let place = self.header("content-location").expect("a place");
        place[place.find("/fhir/").expect("a path")..].to_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

impl Server {
    fn start(bank: &TestBank, more: &[&str], environment: &[(&str, &Path)]) -> Self {
        let mut child = bank
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(bank.log_file())
            .spawn()
            .expect("kura serve starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("standard output"));
        out.read_line(&mut line).expect("the address");
        let address = line
            .trim()
            .rsplit("://")
            .next()
            .expect("an address")
            .to_owned();
        let mut port = || {
            let mut line = String::new();
            out.read_line(&mut line).expect("the DICOM address");
            let port = line.trim().rsplit(':').next().expect("a port");
            port.parse().expect("a port")
        };
        let dicom = more.contains(&"--dicom-port").then(&mut port);
        let tls = environment
            .iter()
            .any(|(name, _)| *name == "KURA_DICOM__TLS")
            .then(&mut port);
        Self {
            child,
            address,
            dicom,
            tls,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.raw(request.as_bytes())
    }

    /// Asks after a request that is answered later, until `wanted` is so. FHIR R4 async.html.
    #[track_caller]
    pub fn until(&self, place: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let since = Instant::now();
        loop {
            let answer = self.get(place);
            if wanted(&answer) {
                return answer;
            }
            assert!(matches!(answer.status, 200 | 202), "{}", answer.body);
            assert!(since.elapsed() < Duration::from_secs(300));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends bytes as they are. A server that has heard enough may answer before it has read all.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("the server answers");
        let sent = stream.write_all(request);
        let mut text = Vec::new();
        let read = stream.read_to_end(&mut text);
        assert!(
            sent.is_ok() && read.is_ok() || !text.is_empty(),
            "{sent:?} {read:?}"
        );
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        let chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        Answer {
            status,
            head: head.to_owned(),
            body: if chunked {
                unchunk(body)
            } else {
                body.to_owned()
            },
        }
    }
}

fn unchunk(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        out += &after[..size];
        rest = &after[size + 2..];
    }
    out
}

impl Server {
    /// As its operator ends it: what waits to be written is. Dropped, it is killed.
    pub fn end(mut self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("kill runs").success());
        let ended = self.child.wait().expect("it ends");
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a Python script, of the repository or anywhere; its output. `None` without Python.
#[track_caller]
pub fn python(script: &str, arguments: &[&str]) -> Option<String> {
    let python = tool("KURA_PYTHON", "python3")?;
    let made = Command::new(python)
        .arg(repository().join(script))
        .args(arguments)
        .output()
        .expect("python runs");
    assert!(
        made.status.success(),
        "{script}: {}{}",
        String::from_utf8_lossy(&made.stdout),
        String::from_utf8_lossy(&made.stderr)
    );
    Some(String::from_utf8_lossy(&made.stdout).into_owned())
}

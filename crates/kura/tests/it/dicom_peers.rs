//! The bank as a user of other archives: dcmtk's storescp and dcmqrscp, over TCP and TLS.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Run, TestBank, sample, tool};

/// A port nobody has now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A program that ends with the test.
struct Peer(Child);

impl Peer {
    /// Starts it and waits until it takes connections.
    fn start(command: &mut Command, port: u16) -> Self {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the peer starts");
        let peer = Self(child);
        let since = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "the peer answers"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        peer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn storescp(port: u16, folder: &Path, more: &[&str]) -> Peer {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut command = Command::new("storescp");
    // Whatever transfer syntax is proposed, kept as it came.
    command
        .args(["-aet", "PACS", "+xa", "-od"])
        .arg(folder)
        .args(more)
        .arg(port.to_string());
    Peer::start(&mut command, port)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Values of an attribute of files, by dcmtk.
fn values(files: &[PathBuf], tag: &str) -> BTreeSet<String> {
    let dump = Command::new("dcmdump")
        .args(["-Un", "+P", tag])
        .args(files)
        .output()
        .expect("dcmdump runs");
    String::from_utf8_lossy(&dump.stdout)
        .lines()
        .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
        .collect()
}

fn with_nodes(bank: &TestBank, nodes: &str, more: &[(&str, &str)], arguments: &[&str]) -> Run {
    Run::of(
        bank.command(arguments)
            .env("KURA_DICOM__NODES", nodes)
            .envs(more.iter().copied())
            .output()
            .expect("kura runs"),
    )
}

#[test]
fn studies_wait_for_a_node_that_is_off_and_are_sent_whole() {
    if tool("KURA_STORESCP", "storescp").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir"), &sample("dicom")], 0);
    let port = free_port();
    let nodes = format!("{{ PACS = {{ address = '127.0.0.1:{port}' }} }}");
    let kura = |arguments: &[&str]| with_nodes(&bank, &nodes, &[], arguments);
    let send = ["dicom", "send", "PACS", "--all", "--format", "json"];

    let off = kura(&send).exits(3).json();
    let studies = off["studies"].as_u64().unwrap();
    assert!(studies > 5, "{off}");
    assert_eq!((&off["sent"], &off["left"]), (&0.into(), &off["studies"]));
    let waiting = kura(&["dicom", "outbox", "--format", "json"]).ok().json();
    assert_eq!(waiting.as_array().unwrap().len() as u64, studies);
    assert_eq!(
        waiting[0]["reason"],
        "the application entity was not reached"
    );
    assert_eq!(waiting[0]["tries"], 1);
    // A node without an address, a key of no standard.
    kura(&["dicom", "send", "OTHER", "--all"]).exits(1);
    kura(&["dicom", "send", "PACS", "-k", "NoSuchKey=1"]).exits(1);
    kura(&["dicom", "echo", "PACS"]).exits(1);

    let folder = bank.folder.path().join("pacs");
    let _peer = storescp(port, &folder, &[]);
    kura(&["dicom", "echo", "PACS"]).ok();
    let sent = kura(&send).ok().json();
    assert_eq!((&sent["sent"], &sent["left"]), (&off["studies"], &0.into()));
    let came = files(&folder);
    assert_eq!(came.len() as u64, sent["objects"].as_u64().unwrap());
    assert_eq!(came.len() as u64, bank.live("DicomInstance"));
    assert_eq!(
        values(&came, "0008,0018"),
        values(&files(&sample("dicom")), "0008,0018")
    );
    assert_eq!(bank.live("DicomParcel"), 0);
    bank.kura(&["audit", "verify"]).ok();
}

#[test]
fn the_server_empties_the_outbox() {
    if tool("KURA_STORESCP", "storescp").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("dicom")], 0);
    let port = free_port();
    let nodes = format!("{{ PACS = {{ address = '127.0.0.1:{port}' }} }}");
    let folder = bank.folder.path().join("pacs");
    // It takes no other than native objects, so that some are rewritten on the way.
    let _peer = storescp(port, &folder, &["+x="]);
    let server = bank.serve_as(&[], &[("KURA_DICOM__NODES", Path::new(&nodes))]);
    let studies = server.get("/dicom-web/studies?ModalitiesInStudy=CT").json();
    let key = format!(
        "StudyInstanceUID={}",
        studies[0]["0020000D"]["Value"][0].as_str().unwrap()
    );
    let later = ["dicom", "send", "PACS", "-k", &key, "--later"];
    with_nodes(&bank, &nodes, &[], &later).ok();
    let since = Instant::now();
    while bank.live("DicomParcel") > 0 {
        assert!(since.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(200));
    }
    let expected = studies[0]["00201208"]["Value"][0].as_u64().unwrap();
    assert_eq!(files(&folder).len() as u64, expected);
}

/// dcmtk's archive as the old PACS.
fn dcmqrscp(bank: &TestBank, port: u16, ours: u16, objects: &[PathBuf]) -> Peer {
    let folder = bank.folder.path().join("old");
    let store = folder.join("db");
    std::fs::create_dir_all(&store).expect("a folder");
    let mut copies = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        let copy = store.join(format!("{number}.dcm"));
        std::fs::copy(object, &copy).expect("a copy");
        copies.push(copy);
    }
    let indexed = Command::new("dcmqridx")
        .arg(&store)
        .args(&copies)
        .output()
        .expect("dcmqridx runs");
    assert!(indexed.status.success());
    let config = folder.join("dcmqrscp.cfg");
    let text = format!(
        "NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
         HostTable BEGIN\nbank = (KURA, 127.0.0.1, {ours})\nHostTable END\n\
         VendorTable BEGIN\nVendorTable END\n\
         AETable BEGIN\nOLD {} RW (500, 1024mb) ANY\nAETable END\n",
        store.display()
    );
    std::fs::write(&config, text).expect("a configuration");
    Peer::start(
        Command::new("dcmqrscp")
            .arg("-c")
            .arg(&config)
            .arg(port.to_string()),
        port,
    )
}

#[test]
fn an_old_archive_is_moved_and_counted() {
    if tool("KURA_DCMQRSCP", "dcmqrscp").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let (port, ours) = (free_port(), free_port());
    let objects = files(&sample("dicom"));
    let _old = dcmqrscp(&bank, port, ours, &objects);
    let unlisted =
        format!("{{ OLD = {{ address = '127.0.0.1:{port}' }}, X = {{ may = ['query'] }} }}");
    let nodes = format!("{{ OLD = {{ address = '127.0.0.1:{port}', may = ['store'] }} }}");
    let ours = ours.to_string();
    let environment = [("KURA_DICOM__PORT", ours.as_str())];
    let migrate = |more: &[&str]| {
        let mut arguments = vec!["dicom", "migrate", "OLD", "--format", "json"];
        arguments.extend(more);
        with_nodes(&bank, &nodes, &environment, &arguments)
    };
    let refused = with_nodes(&bank, &unlisted, &environment, &["dicom", "migrate", "OLD"]).exits(1);
    assert!(
        refused.err.contains("may not store here"),
        "{}",
        refused.err
    );

    // What is compressed it cannot send in the transfer syntax it proposes: it stays short.
    let compressed = |file: &PathBuf| {
        let syntax = values(std::slice::from_ref(file), "0002,0010");
        !syntax.iter().any(|name| name == "1.2.840.10008.1.2.1")
    };
    let (left, sent): (Vec<PathBuf>, Vec<PathBuf>) = objects.iter().cloned().partition(compressed);
    assert!(left.len() > 2 && sent.len() > 2);

    let checked = migrate(&["--check"]).exits(3).json();
    assert_eq!(checked["there"], objects.len());
    assert_eq!(
        (&checked["here"], &checked["arrived"]),
        (&0.into(), &0.into())
    );
    assert_eq!(bank.live("DicomInstance"), 0);

    // A part of it first.
    let dates = values(&sent, "0008,0020");
    let newest = dates.iter().next_back().unwrap();
    let day = format!("{}-{}-{}", &newest[..4], &newest[4..6], &newest[6..]);
    let part = migrate(&["--from", &day, "--to", &day]);
    assert!(part.json()["arrived"].as_u64().unwrap() > 0, "{}", part.err);
    let had = bank.live("DicomInstance");
    assert!(had < sent.len() as u64);

    let report = bank.folder.path().join("moved.csv");
    let moved = migrate(&["--report", report.to_str().unwrap()]).exits(3);
    let counts = moved.json();
    assert_eq!(bank.live("DicomInstance"), sent.len() as u64);
    assert_eq!(counts["arrived"].as_u64().unwrap() + had, sent.len() as u64);
    assert_eq!(counts["short"].as_u64().unwrap(), left.len() as u64);
    assert!(
        moved.err.contains("the archive answered A702H"),
        "{}",
        moved.err
    );
    let table = std::fs::read_to_string(&report).unwrap();
    let sum = |column: usize| -> u64 {
        let lines = table.lines().skip(1);
        lines
            .map(|line| line.split(',').nth(column).unwrap().parse::<u64>().unwrap())
            .sum()
    };
    assert_eq!(sum(2), objects.len() as u64);
    assert_eq!(sum(3), sent.len() as u64);
    assert_eq!(sum(5), left.len() as u64);

    // An object that is lost here comes back; what was found whole is not asked for again.
    let server = bank.serve();
    let lost = values(&sent[..1], "0008,0018");
    let instance = server.get(&format!(
        "/dicom-web/instances?SOPInstanceUID={}",
        lost.first().unwrap()
    ));
    let instance = instance.json();
    let [study, series, object] = ["0020000D", "0020000E", "00080018"]
        .map(|tag| instance[0][tag]["Value"][0].as_str().unwrap().to_owned());
    let gone = server.send(
        "DELETE",
        &format!("/dicom-web/studies/{study}/series/{series}/instances/{object}"),
        &[],
        "",
    );
    assert_eq!(gone.status, 204, "{}", gone.body);
    drop(server);
    let key = format!("StudyInstanceUID={study}");
    let of_study = ["--from", "2020-01-01", "-k", key.as_str()];
    let again = migrate(&of_study).ok().json();
    assert_eq!(again["arrived"], 1, "{again}");
    assert_eq!(bank.live("DicomInstance"), sent.len() as u64);
    // It was found whole: it is gone through again only where that is asked for.
    assert_eq!(migrate(&of_study).ok().json()["studies"], 0);
    let asked = [&of_study[..], &["--again"]].concat();
    let again = migrate(&asked).ok().json();
    assert_eq!(
        (&again["studies"], &again["arrived"]),
        (&1.into(), &0.into())
    );
    assert_eq!(bank.live("PendingStudy"), 0);

    // Who is asked for is told nowhere, the audit trail included.
    let patient = values(&sent[..1], "0010,0020").pop_first().unwrap();
    let key = format!("PatientID={patient}");
    let asked = migrate(&["--from", "2020-01-01", "--again", "-k", &key]);
    assert!(asked.json()["studies"].as_u64().unwrap() > 0);
    assert!(!asked.err.contains(&patient), "{}", asked.err);
    // The trail is read past Kura, where the database is a file.
    let (None, Some(python)) = (&bank.database, tool("KURA_PYTHON", "python3")) else {
        return;
    };
    let trail = Command::new(python)
        .args(["-c", "import sqlite3, sys\nfor row in sqlite3.connect(sys.argv[1]).execute('SELECT action, target, detail FROM audit'): print(*row)"])
        .arg(Path::new(&bank.path()).join("clinical/clinical.db"))
        .output()
        .expect("python runs");
    let trail = String::from_utf8_lossy(&trail.stdout);
    assert!(trail.contains("dicom_migrate"), "the trail is there");
    assert!(!trail.contains(&patient));
}

/// Keys and certificates: an authority, the bank and its peer; a stranger signed by itself.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let made = Command::new("sh")
            .current_dir(folder)
            .args(["-c", &format!("openssl {arguments}")])
            .output()
            .expect("openssl runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    };
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1").expect("a file");
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -days 2 -keyout ca.key -out ca.pem",
    );
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -days 2 -keyout stranger.key -out stranger.pem",
    );
    for name in ["bank", "peer"] {
        openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out {name}.pem"
        ));
    }
}

#[test]
fn associations_over_tls_need_a_certificate_of_the_authority() {
    if tool("KURA_STORESCP", "storescp").is_none() || tool("KURA_OPENSSL", "openssl").is_none() {
        return;
    }
    let bank = TestBank::new();
    let tls = bank.folder.path().join("tls");
    certificates(&tls);
    let file = |name: &str| tls.join(name).display().to_string();
    let settings = format!(
        "{{ port = 0, certificate = '{}', key = '{}', authorities = '{}' }}",
        file("bank.pem"),
        file("bank.key"),
        file("ca.pem")
    );
    let port = free_port();
    let nodes =
        format!("{{ PACS = {{ address = '127.0.0.1:{port}', tls = true, may = ['store'] }} }}");
    let environment = [
        ("KURA_DICOM__TLS", Path::new(&settings)),
        ("KURA_DICOM__NODES", Path::new(&nodes)),
    ];
    let server = bank.serve_as(&[], &environment);
    let ours = server.tls.expect("a port").to_string();
    let image = sample("dicom/01-ct-abdomen.dcm");
    let storescu = |security: &[&str]| {
        Command::new("storescu")
            .args(["-aec", "KURA", "-aet", "PACS"])
            .args(security)
            .args(["127.0.0.1", &ours])
            .arg(&image)
            .output()
            .expect("storescu runs")
    };
    let (key, certificate, authority) = (file("peer.key"), file("peer.pem"), file("ca.pem"));
    let good = ["+tls", &key, &certificate, "+cf", &authority];
    let sent = storescu(&good);
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    assert_eq!(bank.live("DicomInstance"), 1);
    // Without a certificate, with a stranger's, without TLS.
    let (stranger_key, stranger) = (file("stranger.key"), file("stranger.pem"));
    let strange = ["+tls", &stranger_key, &stranger, "+cf", &authority];
    assert!(!storescu(&["+tla", "+cf", &authority]).status.success());
    assert!(!storescu(&strange).status.success());
    assert!(!storescu(&[]).status.success());
    assert!(storescu(&good).status.success());

    // The bank calls a peer that wants its certificate, and believes no stranger.
    let folder = bank.folder.path().join("pacs");
    let kura = |arguments: &[&str]| {
        let more = [("KURA_DICOM__TLS", settings.as_str())];
        with_nodes(&bank, &nodes, &more, arguments)
    };
    drop(server);
    let peer = storescp(port, &folder, &good);
    kura(&["dicom", "echo", "PACS"]).ok();
    kura(&["dicom", "send", "PACS", "--all"]).ok();
    assert_eq!(files(&folder).len(), 1);
    drop(peer);
    let _peer = storescp(port, &folder, &strange);
    let refused = kura(&["dicom", "echo", "PACS"]).exits(1);
    assert!(
        refused.err.contains("TLS was not agreed on"),
        "{}",
        refused.err
    );
    // A key that others may read is refused, by its name.
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(tls.join("bank.key"), open).expect("permissions");
    let refused = kura(&["dicom", "echo", "PACS"]).exits(1);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
}

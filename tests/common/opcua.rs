//! OPC UA servers that were not written here, driven line by line: asyncua (`tests/foreign/asyncua_server.py`) and node-opcua
//! (`tests/foreign/node_opcua_server.js`). Both serve the same machine; the head of the first tells its nodes, the options and
//! the commands. `tests/opcua_servers.rs` proves that they do what it says.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{free_port, prepared, program, temp_dir};

/// Its own namespace is the second one, after OPC UA's.
pub const SERVER_URI: &str = "urn:cloudward:test:server";
/// Where the nodes are: `nsu=urn:cloudward:test:machine;s=Machine.Speed`.
pub const MACHINE_URI: &str = "urn:cloudward:test:machine";

/// Which stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Asyncua,
    NodeOpcua,
}

/// A process that answers each line with one line.
pub struct Talker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talker {
    /// Starts it and waits until it says "ready". What it complains about goes to `log`.
    #[track_caller]
    pub fn start(mut command: Command, log: &Path) -> Talker {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut talker = Talker { child, stdin, stdout };
        assert_eq!(talker.hear(), "ready", "{command:?} did not start");
        talker
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it answers to a line.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.stdin, "{line}").unwrap();
        self.hear()
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}

/// A running server, with a port and a folder of certificates of its own; both outlive its restarts.
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    /// Its certificates, as Part 12 lays them out.
    pub folder: PathBuf,
    talker: Option<Talker>,
    dir: tempfile::TempDir,
}

impl Server {
    /// Starts one and waits until it listens.
    #[track_caller]
    pub fn start(kind: Kind, options: &[&str]) -> Server {
        let dir = temp_dir();
        let folder = dir.path().join("pki");
        let mut server = Server { kind, port: free_port(), folder, talker: None, dir };
        server.restart(options);
        server
    }

    /// Starts it anew on the same port with the same certificates, whether it runs or not.
    #[track_caller]
    pub fn restart(&mut self, options: &[&str]) {
        self.kill();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
        let mut command = match self.kind {
            Kind::Asyncua => {
                let mut command = Command::new(prepared("venv/bin/python"));
                command.arg(scripts.join("asyncua_server.py"));
                command
            }
            Kind::NodeOpcua => {
                let mut command = Command::new(program("node"));
                command.env("NODE_PATH", prepared("node/node_modules")).arg(scripts.join("node_opcua_server.js"));
                command
            }
        };
        command.arg(self.port.to_string()).arg(&self.folder).args(options);
        self.talker = Some(Talker::start(command, &self.log_file()));
    }

    /// SIGKILL: it ends without a word to anybody.
    pub fn kill(&mut self) {
        self.talker = None;
    }

    /// Carries out a command, which must succeed.
    #[track_caller]
    pub fn tell(&mut self, command: &str) -> String {
        let answer = self.talker.as_mut().expect("the server was killed").ask(command);
        assert!(!answer.is_empty() && !answer.starts_with("error"), "{command}: {answer:?}\n{}", self.log());
        answer
    }

    /// What it counts, as JSON: `stats()["requests"]["Publish"]`.
    #[track_caller]
    pub fn stats(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.tell("stats")).unwrap()
    }

    /// How many requests of a service it got since it started; of faults with `faults` and a status code's name.
    #[track_caller]
    pub fn count(&mut self, counters: &str, name: &str) -> u64 {
        self.stats()[counters][name].as_u64().unwrap_or(0)
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("opc.tcp://127.0.0.1:{}", self.port)
    }

    /// Its certificate, unless the option `--certificate` named another.
    pub fn certificate(&self) -> Vec<u8> {
        fs::read(self.folder.join("own/certs/server.der")).unwrap()
    }

    /// Lets a client in, from its next connection on.
    pub fn trust_client(&self, der: &[u8]) {
        fs::write(self.folder.join("trusted/certs/client.der"), der).unwrap();
    }

    /// Lets that client in no more.
    pub fn distrust_client(&self) {
        fs::remove_file(self.folder.join("trusted/certs/client.der")).unwrap();
    }

    /// Lets a user with this certificate in.
    pub fn trust_user(&self, der: &[u8]) {
        fs::write(self.folder.join("users/trusted/certs/user.der"), der).unwrap();
    }

    /// Certificates of the clients that it turned away.
    pub fn rejected(&self) -> Vec<Vec<u8>> {
        let files = fs::read_dir(self.folder.join("rejected")).unwrap();
        files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// Its process, to stop and continue it.
    pub fn pid(&self) -> u32 {
        self.talker.as_ref().expect("the server was killed").child.id()
    }

    /// What its stack complained about.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {:?} on port {} ---\n{}", self.kind, self.port, self.log());
        }
    }
}

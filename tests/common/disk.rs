//! Disks that can be filled, pulled out and timed: small memory file systems, ext4 in a file behind a loop device, and a
//! clock for `fdatasync`. All of them end with their owners.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{now_ms, program};

/// A mounted file system.
pub struct Mount {
    at: PathBuf,
}

impl Mount {
    /// A memory file system of so many bytes.
    pub fn memory(at: PathBuf, bytes: u64) -> Mount {
        Mount::of(&["-t", "tmpfs", "-o", &format!("size={bytes}"), "none"], at)
    }

    /// The ext4 in this file. Its own log is written every five minutes only, so that it brings nothing to the device that
    /// nobody asked for.
    pub fn image(file: &Path, at: PathBuf) -> Mount {
        Mount::of(&["-t", "ext4", "-o", "loop,commit=300", file.to_str().unwrap()], at)
    }

    fn of(args: &[&str], at: PathBuf) -> Mount {
        fs::create_dir_all(&at).unwrap();
        run("mount", &[args, &[at.to_str().unwrap()]].concat());
        Mount { at }
    }

    pub fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process of a failed test may still have files open in it, and ends a moment later.
        Command::new(program("umount")).arg("-l").arg(&self.at).status().ok();
    }
}

/// Makes an ext4 of so many megabytes in a file, every block of it there, so that a copy takes all of it.
pub fn make_image(file: &Path, megabytes: u64) {
    fs::write(file, vec![0; (megabytes << 20) as usize]).unwrap();
    run("mkfs.ext4", &["-q", "-F", file.to_str().unwrap()]);
}

/// Copies what has reached the device at this moment: the image as a power cut would leave it. What the mounted file system
/// still holds in memory is not in it. The device must be still while it is copied, else the copy would mix two moments;
/// a copy during which something was written is thrown away.
pub fn copy_image(image: &Path, copy: &Path) {
    let device = loop_device(image);
    let stat = PathBuf::from(format!("/sys/block/{device}/stat"));
    let written = || fs::read_to_string(&stat).unwrap().split_whitespace().nth(4).unwrap().to_owned();
    for _ in 0..100 {
        let before = written();
        fs::copy(image, copy).unwrap();
        if written() == before {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{device} was never still");
}

fn loop_device(image: &Path) -> String {
    let output = Command::new(program("losetup")).arg("-j").arg(image).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let device = text.split(':').next().filter(|device| !device.is_empty());
    device.expect("the image is on a loop device").trim_start_matches("/dev/").to_owned()
}

#[track_caller]
fn run(name: &str, args: &[&str]) {
    let output = Command::new(program(name)).args(args).output().unwrap();
    assert!(output.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// How long the disk takes for an `fdatasync`, asked all the time beside the agent: what of a loss is the disk's.
pub struct SyncClock {
    is_over: Arc<AtomicBool>,
    took: Arc<Mutex<Vec<(i64, i64)>>>,
    thread: Option<JoinHandle<()>>,
}

impl SyncClock {
    pub fn start(dir: &Path) -> SyncClock {
        let (is_over, took) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let mut file = File::create(dir.join("sync-clock")).unwrap();
        let (over, list) = (is_over.clone(), took.clone());
        let thread = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let (at, begun) = (now_ms(), Instant::now());
                file.write_all(&[7; 4096]).unwrap();
                file.sync_data().unwrap();
                list.lock().unwrap().push((at, begun.elapsed().as_millis() as i64));
                thread::sleep(Duration::from_millis(30));
            }
        });
        SyncClock { is_over, took, thread: Some(thread) }
    }

    /// The slowest one that was under way between these moments.
    pub fn slowest_between(&self, from: i64, until: i64) -> i64 {
        let took = self.took.lock().unwrap();
        took.iter().filter(|(at, ms)| *at <= until && at + ms >= from).map(|(_, ms)| *ms).max().unwrap_or(0)
    }
}

impl Drop for SyncClock {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // it has told its own failure
        }
    }
}

//! What the soak tells: memory by the minute, operations by their kind, faults in full.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bulkhead_tests::memory;

use super::world::World;

/// How often the memory is looked at.
const SAMPLE: Duration = Duration::from_millis(200);
/// How many faults are told in full.
const FAULTS: usize = 20;
/// Bytes.
const MIB: u64 = 1024 * 1024;

/// Operations of a kind.
#[derive(Default)]
struct Count {
    done: u64,
    took: Duration,
    longest: Duration,
}

/// What became of a client's operations.
#[derive(Default)]
pub struct Tally {
    counts: BTreeMap<&'static str, Count>,
    /// What was wrong.
    pub faults: Vec<String>,
}

impl Tally {
    /// What a server writes about itself that must not be: errors and panics.
    pub fn of_log(log: &str) -> Self {
        let bad = log.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked at"));
        Self { counts: BTreeMap::new(), faults: bad.map(|line| format!("the server's log: {line}")).collect() }
    }

    /// An operation was done.
    pub fn count(&mut self, name: &'static str, took: Duration) {
        let count = self.counts.entry(name).or_default();
        count.done += 1;
        count.took += took;
        count.longest = count.longest.max(took);
    }

    fn add(&mut self, other: Self) {
        for (name, more) in other.counts {
            let count = self.counts.entry(name).or_default();
            count.done += more.done;
            count.took += more.took;
            count.longest = count.longest.max(more.longest);
        }
        self.faults.extend(other.faults);
    }
}

/// The server's memory, by the minute.
pub struct Memory {
    /// Of whole minutes.
    medians: Vec<u64>,
}

impl Memory {
    /// Looks at it until `stopped` has no sender any more, and prints a line for each minute.
    pub fn watch(pid: u32, world: &World, stopped: &Receiver<()>) -> Self {
        println!("\n{:>6} {:>11} {:>11}   {:^29}", "", "", "", "RssAnon + RssShmem, MiB");
        println!("{:>6} {:>11} {:>11}   {:>9} {:>9} {:>9}", "minute", "operations", "requests", "minimum", "median", "maximum");
        let mut medians = Vec::new();
        let mut before = (0, 0);
        loop {
            let (samples, next) = sample_a_minute(pid, stopped);
            let now = (world.operations.load(Ordering::Relaxed), world.requests.load(Ordering::Relaxed));
            let median = samples[samples.len() / 2];
            // The last checks have a line of their own.
            let minute = if next == Next::Minute { (medians.len() + 1).to_string() } else { "check".to_owned() };
            let [least, middle, most] = [samples[0], median, samples[samples.len() - 1]].map(|bytes| bytes as f64 / MIB as f64);
            let (operations, requests) = (now.0 - before.0, now.1 - before.1);
            println!("{minute:>6} {operations:>11} {requests:>11}   {least:>9.1} {middle:>9.1} {most:>9.1}");
            before = now;
            if next == Next::End {
                return Self { medians };
            }
            medians.push(median);
        }
    }
}

/// How a minute ended.
#[derive(PartialEq, Eq)]
enum Next {
    /// It was whole.
    Minute,
    /// The soak was over.
    End,
}

/// The samples of up to a minute, at least one, from the least to the most.
fn sample_a_minute(pid: u32, stopped: &Receiver<()>) -> (Vec<u64>, Next) {
    let started = Instant::now();
    let mut samples = Vec::new();
    let next = loop {
        samples.push(memory::anonymous(pid));
        if stopped.recv_timeout(SAMPLE) == Err(RecvTimeoutError::Disconnected) {
            break Next::End;
        }
        if started.elapsed() >= Duration::from_secs(60) {
            break Next::Minute;
        }
    };
    samples.sort_unstable();
    (samples, next)
}

/// Prints it all; failure where there was a fault.
pub fn print(tallies: Vec<Tally>, memory: &Memory, folder: &Path) -> ExitCode {
    let mut sum = Tally::default();
    tallies.into_iter().for_each(|tally| sum.add(tally));
    println!("\n{:<26} {:>9} {:>10} {:>10}", "", "done", "mean ms", "longest");
    for (name, count) in &sum.counts {
        let mean = count.took.as_secs_f64() * 1000.0 / count.done as f64;
        println!("{name:<26} {:>9} {mean:>10.1} {:>10}", count.done, count.longest.as_millis());
    }
    if let [first, .., last] = memory.medians.as_slice() {
        println!("\nmemory: the median of the last minute is {:.2} of the first one's", *last as f64 / *first as f64);
    }
    println!("disk: {} MiB", size_of(&folder.join("data")) / MIB);
    if sum.faults.is_empty() {
        println!("no faults");
        return ExitCode::SUCCESS;
    }
    println!("\n{} faults, of which the first:", sum.faults.len());
    for fault in sum.faults.iter().take(FAULTS) {
        println!("- {}", fault.trim_end().replace('\n', "\n  "));
    }
    ExitCode::FAILURE
}

/// The length of all files below a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size_of(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

//! The memory of a process, watched while a test runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Samples a process's anonymous memory until it is stopped. Mapped pages of files are not counted: the kernel takes them back.
pub struct Watch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    #[must_use]
    pub fn start(pid: u32) -> Self {
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (thread_peak, thread_stop) = (peak.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !thread_stop.load(Ordering::Acquire) {
                thread_peak.fetch_max(anonymous(pid), Ordering::AcqRel);
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
        Self { peak, stop, thread: Some(thread) }
    }

    /// Ends it; the most that was seen, in bytes.
    ///
    /// # Panics
    /// Where nothing was seen.
    #[must_use]
    pub fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("the watching thread does not panic");
        }
        let peak = self.peak.load(Ordering::Acquire);
        assert!(peak > 0, "the process was not seen");
        peak
    }
}

/// Anonymous and shared memory of a process, in bytes; 0 where it is gone.
#[must_use]
pub fn anonymous(pid: u32) -> u64 {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return 0 };
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .unwrap_or(0)
    };
    (field("RssAnon:") + field("RssShmem:")) * 1024
}

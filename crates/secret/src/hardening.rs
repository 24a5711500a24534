//! What the operating system can be asked to do for secrets: no core file, no tracing by other
//! processes of the same user, no swapping of the pages that hold keys.
//!
//! Every call here is best effort: a system may refuse, and the program must run all the same. The
//! reports say what was granted so that the window can show it.

#![cfg_attr(
    target_os = "linux",
    expect(
        unsafe_code,
        reason = "madvise and inherited files have no safe wrapper; this module is the only one \
                  with unsafe"
    )
)]

/// What [`harden_process`] was granted. `false` also means "this system has no such thing".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessHardening {
    /// Other processes of the same user may not read this one's memory, and a crash leaves no
    /// core file (Linux: `PR_SET_DUMPABLE` 0).
    pub not_dumpable: bool,
    /// The size limit of core files is zero and cannot be raised again (Unix: `RLIMIT_CORE`).
    pub no_core_file: bool,
}

/// Shuts the doors to this process's memory that the operating system can shut. Call it once,
/// before the first secret exists.
pub fn harden_process() -> ProcessHardening {
    ProcessHardening { not_dumpable: refuse_dumps(), no_core_file: refuse_core_files() }
}

#[cfg(target_os = "linux")]
fn refuse_dumps() -> bool {
    nix::sys::prctl::set_dumpable(false).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn refuse_dumps() -> bool {
    false
}

#[cfg(unix)]
fn refuse_core_files() -> bool {
    use nix::sys::resource::{Resource, setrlimit};
    setrlimit(Resource::RLIMIT_CORE, 0, 0).is_ok()
}

#[cfg(not(unix))]
fn refuse_core_files() -> bool {
    false
}

/// Marks every open file but standard input, output and error so that programs which are started
/// from here do not inherit it: whoever started this process may have left something open.
///
/// An error means that the files could not be listed; then nothing should be started.
#[cfg(target_os = "linux")]
pub fn keep_files_from_children() -> std::io::Result<()> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use std::os::fd::{BorrowedFd, RawFd};
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|file| *file > 2)
        .collect();
    for file in open {
        // SAFETY: only this call uses the borrowed number. The file that listed the others is
        // closed by now, and another thread may close one at any time: then the kernel answers
        // EBADF. Setting the flag touches no memory and does not change what a file is.
        let borrowed = unsafe { BorrowedFd::borrow_raw(file) };
        let _ = fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
    Ok(())
}

/// Pages that were asked to stay in RAM and out of core files; they stay locked while this lives.
pub(crate) struct LockedPages {
    lock: Option<region::LockGuard>,
    left_out_of_dumps: bool,
}

impl LockedPages {
    /// Whether the pages cannot be swapped out (`mlock`, `VirtualLock`).
    pub(crate) fn locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Whether a core file would leave the pages out (Linux: `MADV_DONTDUMP`).
    pub(crate) fn left_out_of_dumps(&self) -> bool {
        self.left_out_of_dumps
    }
}

/// Locks the memory of `value` in RAM and leaves it out of core files, as far as the system allows.
///
/// `T` should fill whole pages: locking is by page, and what shares a page with it is locked too.
pub(crate) fn lock_pages<T>(value: &'static T) -> LockedPages {
    let address = std::ptr::from_ref(value);
    let lock = region::lock(address, size_of::<T>()).ok();
    LockedPages { lock, left_out_of_dumps: leave_out_of_dumps(value) }
}

#[cfg(target_os = "linux")]
fn leave_out_of_dumps<T>(value: &'static T) -> bool {
    use nix::sys::mman::{MmapAdvise, madvise};
    let address = std::ptr::NonNull::from(value).cast();
    // SAFETY: the range is exactly one live `'static` value, so it is mapped for as long as the
    // process lives. MADV_DONTDUMP reads and writes no memory and changes no mapping: it only tells
    // the kernel what to leave out of a core file.
    unsafe { madvise(address, size_of::<T>(), MmapAdvise::MADV_DONTDUMP).is_ok() }
}

#[cfg(not(target_os = "linux"))]
fn leave_out_of_dumps<T>(_value: &'static T) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_is_started_inherits_three_files_only() {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let file = std::fs::File::open("/dev/null").unwrap();
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        // Numbers of the child's files: its own three, and the folder that it lists.
        let count = || {
            let list = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
            String::from_utf8(list.stdout).unwrap().lines().count()
        };
        let before = count();
        keep_files_from_children().unwrap();
        assert!(count() < before, "the file was inherited before");
        assert_eq!(count(), 4);
    }

    #[test]
    fn a_linux_process_grants_everything_that_was_asked() {
        let granted = harden_process();
        if cfg!(target_os = "linux") {
            assert_eq!(granted, ProcessHardening { not_dumpable: true, no_core_file: true });
            assert_eq!(nix::sys::prctl::get_dumpable(), Ok(false));
        }
    }
}

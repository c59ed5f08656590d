//! Giving freed memory back to the system.

/// Gives back what the allocator keeps of freed memory.
///
/// Compiling a component takes and frees some tens of megabytes, on several
/// threads at once. glibc keeps them for later, and there may be no later: an
/// idle host would hold on to several times of what it needs.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "malloc_trim is a function of the C library; it has no preconditions"
)]
pub(crate) fn give_back() {
    // SAFETY: see the reason above.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give memory back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}

//! The part of WASI that Rust's standard library has, and does not show:
//! handles of the host that a guest can keep, and guess.
#![expect(missing_docs, reason = "wit-bindgen writes this module")]

wit_bindgen::generate!({
    inline: r"
        package sandpit:hostile;

        world waiting {
            import wasi:clocks/monotonic-clock@0.2.0;
        }

        package wasi:io@0.2.0 {
            interface poll {
                resource pollable {
                    ready: func() -> bool;
                    block: func();
                }
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }
        }

        package wasi:clocks@0.2.0 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.0.{pollable};
                type instant = u64;
                type duration = u64;
                now: func() -> instant;
                resolution: func() -> duration;
                subscribe-instant: func(when: instant) -> pollable;
                subscribe-duration: func(when: duration) -> pollable;
            }
        }
    ",
    world: "sandpit:hostile/waiting",
    generate_all,
});

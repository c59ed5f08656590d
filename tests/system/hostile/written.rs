//! Attacks that no compiler writes, by hand in WebAssembly text.

use crate::support::guest::{Guest, outcome};

/// Spins in the start function of its module, before it was asked anything.
pub fn loop_in_start() -> Guest {
    Guest::new("loop_in_start").fields("(func $spin (loop $forever (br $forever))) (start $spin)")
}

/// Takes half a gibibyte in the start function of its module.
pub fn memory_in_start() -> Guest {
    Guest::new("memory_in_start").fields(
        "(func $eat
            (if (i32.eq (memory.grow (i32.const 8192)) (i32.const -1)) (then unreachable)))
         (start $eat)",
    )
}

/// Grows a table by ten million elements.
pub fn table_growth() -> Guest {
    Guest::new("table_growth")
        .fields("(table $hoard 1 funcref)")
        .before_answer(
            "(if (i32.eq (table.grow $hoard (ref.null func) (i32.const 10000000)) (i32.const -1))
                (then unreachable))",
        )
}

/// Answers with a gibibyte: a thousand times the same mebibyte of its memory.
pub fn gigabyte_answer() -> Guest {
    // Records of 44 bytes from 131072 on, each a text that lies at 1048576.
    // The first parameter of the call serves as the counter.
    Guest::new("gigabyte_answer").memory(40).before_answer(
        "(local.set 0 (i32.const 0))
         (loop $next
            (i32.store (i32.add (i32.const 131076) (i32.mul (local.get 0) (i32.const 44)))
                (i32.const 1048576))
            (i32.store (i32.add (i32.const 131080) (i32.mul (local.get 0) (i32.const 44)))
                (i32.const 1048576))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get 0) (i32.const 1024))))
         (i32.store (i32.const 512) (i32.const 0))
         (i32.store (i32.const 516) (i32.const 131072))
         (i32.store (i32.const 520) (i32.const 1024))
         (i32.store (i32.const 524) (i32.const 0))
         (return (i32.const 512))",
    )
}

/// Answers with a text that is none: `{`, a byte that UTF-8 does not have, `}`.
pub fn invalid_utf8() -> Guest {
    Guest::new("invalid_utf8").before_answer(&format!(
        "(i32.store (i32.const 600) (i32.const 0x7dff7b))
         (return (block (result i32) {}))",
        outcome(600, 3)
    ))
}

/// Answers with a text that ends far behind its memory.
pub fn lies_about_length() -> Guest {
    Guest::new("lies_about_length").before_answer(&format!(
        "(return (block (result i32) {}))",
        outcome(1024, 0x7fff_0000)
    ))
}

//! The smallest component worth the name: `wasi:cli/run` and one write to standard output.

wit_bindgen::generate!({ generate_all, inline: r"
    package ambit:guests;

    world hello {
        import wasi:cli/stdout@0.2.3;
        export wasi:cli/run@0.2.3;
    }

    // The part of WASI 0.2 that is used here: importing less than a host offers is always allowed. Not 0.2.0, of which the
    // C library that Rust links brings a whole copy of its own.
    package wasi:io@0.2.3 {
        interface error {
            resource error;
        }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream {
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.3 {
        interface stdout {
            use wasi:io/streams@0.2.3.{output-stream};
            get-stdout: func() -> output-stream;
        }
        interface run {
            run: func() -> result;
        }
    }
" });

struct Hello;

impl exports::wasi::cli::run::Guest for Hello {
    fn run() -> Result<(), ()> {
        let stdout = wasi::cli::stdout::get_stdout();
        stdout.blocking_write_and_flush(b"hello from a component\n").map_err(drop)
    }
}

export!(Hello);

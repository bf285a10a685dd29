//! Blobs that do not end, or end too soon.

use std::{
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use ambit_store::oci::{Backoff, RegistryOptions};

use crate::{
    content::{Content, module, options, pull, pull_with, refused},
    liar::{Answer, Liar},
};

/// A registry with a good image, whose module comes as `blob` says.
fn with(blob: impl Fn(Vec<u8>, usize) -> Option<Answer> + Send + Sync + 'static) -> (Liar, Vec<u8>) {
    let module = module("good");
    let (content, _) = Content::of(&module);
    let (name, times) = (module.digest().to_string(), AtomicUsize::new(0));
    let bytes = module.bytes().to_vec();
    let given = bytes.clone();
    let registry = content.served(move |asked| {
        let is_it = asked.path.ends_with(&name);
        is_it.then(|| blob(given.clone(), times.fetch_add(1, Ordering::Relaxed))).flatten()
    });
    (registry, bytes)
}

#[test]
fn oci_005_a_blob_that_never_ends_is_left() {
    let (registry, _) = with(|_, _| {
        Some(Answer::raw(|stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            // Until the client goes.
            loop {
                stream.write_all(b"1000\r\n")?;
                stream.write_all(&[0; 0x1000])?;
                stream.write_all(b"\r\n")?;
            }
        }))
    });
    refused(pull(&registry), &["not as long as was said", "there are more"]);
}

#[test]
fn oci_005_a_byte_a_second_is_too_slow() {
    let (registry, _) = with(|bytes, _| {
        Some(Answer::raw(move |stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
            for byte in bytes {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }))
    });
    // It is never silent for long; but there is an end to it all.
    let options = RegistryOptions { total: Duration::from_millis(1500), ..options() };
    refused(pull_with(&registry, ":1", options), &["was not here within", "--registry-timeout"]);
}

#[test]
fn oci_005_silence_is_not_waited_for() {
    let (registry, _) = with(|bytes, _| {
        Some(Answer::raw(move |stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
            thread::sleep(Duration::from_secs(60));
            Ok(())
        }))
    });
    let backoff = Backoff { attempts: 2, ..options().backoff };
    let options = RegistryOptions { idle: Duration::from_millis(200), backoff, ..options() };
    refused(pull_with(&registry, ":1", options), &["cannot get the module", "timeout"]);
}

#[test]
fn oci_005_lengths_that_lie_are_found() {
    for (more, words) in [(100, "are to come"), (-100, "are to come")] {
        let (registry, _) = with(move |bytes, _| {
            let said = i64::try_from(bytes.len()).expect("small") + more;
            Some(Answer::raw(move |stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {said}\r\n\r\n")?;
                stream.write_all(&bytes)
            }))
        });
        refused(pull(&registry), &["not as long as was said", words]);
    }
    // With none said, shorter than it should be, each time.
    let (registry, _) = with(|bytes, _| {
        Some(Answer::raw(move |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&bytes[..100])
        }))
    });
    refused(pull(&registry), &["not as long as was said", "100 came"]);
}

#[test]
fn a_blob_that_is_cut_off_goes_on_from_there() {
    let (registry, bytes) = with(|bytes, times| {
        (times == 0).then(|| {
            Answer::raw(move |stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
                stream.write_all(&bytes[..100])
            })
        })
    });
    let pulled = pull(&registry).expect("pulled");
    assert_eq!(pulled.image.module, bytes);
    let asked = registry.asked();
    assert!(asked.iter().any(|asked| asked.header("range") == Some("bytes=100-")), "{asked:?}");
    // From another place than was asked for: nothing is pieced together.
    let (registry, _) = with(|bytes, times| {
        Some(match times {
            0 => Answer::raw(move |stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
                stream.write_all(&bytes[..100])
            }),
            _ => Answer::with(206, &[("Content-Range", "bytes 0-99/100")], bytes),
        })
    });
    refused(pull(&registry), &["from another place"]);
    // All of it again, where a registry knows no parts.
    let (registry, bytes) = with(|bytes, times| {
        Some(match times {
            0 => Answer::raw(move |stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
                stream.write_all(&bytes[..100])
            }),
            _ => Answer::with(200, &[], bytes),
        })
    });
    assert_eq!(pull(&registry).expect("pulled").image.module, bytes);
}

//! A registry that answers as a test says. It speaks just enough HTTP for that.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// What a client asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What writes an answer.
type Writes = Box<dyn FnOnce(&mut TcpStream) -> std::io::Result<()> + Send>;

/// What it is answered.
pub(crate) enum Answer {
    /// A status, headers, and a body with its right length.
    Whole(u16, Vec<(String, String)>, Vec<u8>),
    /// Bytes as they are, head and all, for as long as the client reads.
    Raw(Writes),
}

type Answers = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A registry on this machine. It ends with the test.
pub(crate) struct Liar {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), Vec::new())
    }

    pub(crate) fn with(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Whole(status, headers.collect(), body.into())
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::with(307, &[("Location", to)], "")
    }

    pub(crate) fn raw(write: impl FnOnce(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> Self {
        Self::Raw(Box::new(write))
    }
}

impl Liar {
    pub(crate) fn new(answers: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, over) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::<AtomicBool>::default());
        let (answers, noted, ended): (Arc<Answers>, _, _) = (Arc::new(answers), Arc::clone(&asked), Arc::clone(&over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (answers, noted) = (Arc::clone(&answers), Arc::clone(&noted));
                thread::spawn(move || {
                    // A client that goes away is none of its concern.
                    let _ = serve(stream, &*answers, &noted);
                });
            }
        });
        Self { address, asked, over }
    }

    /// `127.0.0.1:port`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// How often it was asked for something that ends like this.
    pub(crate) fn count(&self, end: &str) -> usize {
        self.asked().iter().filter(|asked| asked.path.ends_with(end)).count()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes it, so that it sees.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, answers: &Answers, noted: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut asked = Asked { method, path, headers, body: Vec::new() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut asked.body)?;
    let answer = answers(&asked);
    let is_head = asked.method == "HEAD";
    noted.lock().expect("no panic").push(asked);
    match answer {
        Answer::Whole(status, headers, body) => {
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            write!(stream, "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n")?;
            stream.write_all(if is_head { &[] } else { &body })?;
        }
        Answer::Raw(write) => write(&mut stream)?,
    }
    stream.flush()
}

//! An HTTP/1.1 server on loopback that misbehaves on request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use url::Url;

/// A received request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request target: a path, or a whole URL if the server is used as a proxy.
    pub target: String,
    headers: Vec<(String, String)>,
    /// The number of requests before this one.
    pub number: usize,
}

impl Request {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns `100` for `Range: bytes=100-`.
    pub fn range_start(&self) -> Option<usize> {
        self.header("range")?
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    announced: Option<u64>,
    /// `true` if the end of the connection is the end of the body.
    until_close: bool,
    end: End,
    pause: Option<(usize, Arc<Barrier>)>,
}

/// The end of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Complete; the connection stays open.
    Complete,
    /// The connection is closed after this number of bytes of the body.
    Cut(usize),
    /// Nothing more is sent after this number of bytes of the body.
    Stall(usize),
}

impl Reply {
    /// Creates a response with a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: Vec::new(),
            announced: Some(body.len() as u64),
            until_close: false,
            body,
            end: End::Complete,
            pause: None,
        }
    }

    /// Creates a redirect.
    pub fn redirect(to: &str) -> Self {
        Self::new(302, "").with("Location", to)
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Announces a different length than the body has.
    pub fn announcing(mut self, length: u64) -> Self {
        self.announced = Some(length);
        self
    }

    /// Announces no length and sends the body chunked.
    pub fn chunked(mut self) -> Self {
        self.announced = None;
        self
    }

    /// Announces no length and ends the body by closing the connection, as before HTTP/1.1.
    pub fn until_close(mut self) -> Self {
        self.until_close = true;
        self
    }

    /// Closes the connection after this number of bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.end = End::Cut(bytes);
        self
    }

    /// Sends nothing more after this number of bytes of the body, until the client disconnects.
    pub fn stall_after(mut self, bytes: usize) -> Self {
        self.end = End::Stall(bytes);
        self
    }

    /// Waits at the barrier after this number of bytes of the body.
    pub fn pausing_after(mut self, bytes: usize, barrier: &Arc<Barrier>) -> Self {
        self.pause = Some((bytes, Arc::clone(barrier)));
        self
    }

    fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        write!(head, "HTTP/1.1 {} Whatever\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        match self.announced {
            _ if self.until_close => write!(head, "Connection: close\r\n\r\n")?,
            Some(length) => write!(head, "Content-Length: {length}\r\n\r\n")?,
            None => write!(head, "Transfer-Encoding: chunked\r\n\r\n")?,
        }
        stream.write_all(&head)?;
        let sent = match self.end {
            End::Complete => &self.body[..],
            End::Cut(after) | End::Stall(after) => &self.body[..after.min(self.body.len())],
        };
        let pause = self.pause.as_ref();
        let (before, after) = sent.split_at(pause.map_or(0, |(bytes, _)| *bytes));
        self.send_body(before, stream)?;
        if let Some((_, barrier)) = pause {
            stream.flush()?;
            barrier.wait();
        }
        self.send_body(after, stream)?;
        if self.announced.is_none() && self.end == End::Complete {
            stream.write_all(b"0\r\n\r\n")?;
        }
        stream.flush()
    }

    fn send_body(&self, bytes: &[u8], stream: &mut TcpStream) -> io::Result<()> {
        for chunk in bytes.chunks(16 * 1024) {
            if self.announced.is_none() {
                write!(stream, "{:x}\r\n", chunk.len())?;
            }
            stream.write_all(chunk)?;
            if self.announced.is_none() {
                stream.write_all(b"\r\n")?;
            }
        }
        Ok(())
    }
}

/// A file on a well-behaved server.
#[derive(Debug, Clone)]
pub struct Served {
    /// The content.
    pub bytes: Vec<u8>,
    /// The entity tag, with its quotes.
    pub etag: Option<String>,
    /// The modification time as an HTTP date.
    pub last_modified: Option<String>,
}

impl Served {
    /// Creates a file with a strong tag.
    pub fn new(bytes: &[u8], etag: &str) -> Self {
        Self {
            bytes: bytes.to_vec(),
            etag: Some(format!("\"{etag}\"")),
            last_modified: None,
        }
    }

    /// Creates a file without a version.
    pub fn unversioned(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            etag: None,
            last_modified: None,
        }
    }

    /// Returns the whole file, whatever was requested.
    pub fn whole(&self) -> Reply {
        self.versioned(Reply::new(200, self.bytes.clone()))
    }

    /// Returns what RFC 9110 requires: the requested range if it is of this version, otherwise the whole file.
    pub fn answer(&self, request: &Request) -> Reply {
        let same = request.header("if-range").is_none_or(|theirs| {
            [&self.etag, &self.last_modified]
                .iter()
                .any(|ours| ours.as_deref() == Some(theirs))
        });
        match request.range_start() {
            Some(start) if same => self.rest(start),
            _ => self.whole(),
        }
    }

    /// Returns the range from `start`, whatever was requested.
    pub fn rest(&self, start: usize) -> Reply {
        self.slice(start, self.bytes.len())
    }

    /// Returns the range from `start` to before `end`, whatever was requested.
    pub fn slice(&self, start: usize, end: usize) -> Reply {
        let total = self.bytes.len();
        if start >= total {
            return Reply::new(416, "").with("Content-Range", &format!("bytes */{total}"));
        }
        let range = format!("bytes {start}-{}/{total}", end - 1);
        self.versioned(Reply::new(206, &self.bytes[start..end]).with("Content-Range", &range))
    }

    fn versioned(&self, mut reply: Reply) -> Reply {
        for (name, value) in [("ETag", &self.etag), ("Last-Modified", &self.last_modified)] {
            if let Some(value) = value {
                reply = reply.with(name, value);
            }
        }
        reply
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers every request with the result of `reply`.
    pub fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            stop: Arc::default(),
        };
        let (requests, stop, reply) = (server.requests.clone(), server.stop.clone(), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (requests, reply) = (requests.clone(), reply.clone());
                // Many tests have clients that disconnect early.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &requests, &*reply)));
            }
        });
        server
    }

    /// Returns the URL of a file on this server.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}/{path}", self.address)).unwrap()
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<Request>>,
    reply: &dyn Fn(&Request) -> Reply,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(mut request) = read_request(&mut reader)? {
        {
            let mut requests = requests.lock().unwrap();
            request.number = requests.len();
            requests.push(request.clone());
        }
        let reply = reply(&request);
        reply.send(&mut stream)?;
        match reply.end {
            End::Complete
                if !reply.until_close
                    && reply
                        .announced
                        .is_none_or(|length| length == reply.body.len() as u64) => {}
            End::Complete | End::Cut(_) => return stream.shutdown(std::net::Shutdown::Write),
            End::Stall(_) => {
                io::copy(&mut reader, &mut io::sink())?;
                return Ok(());
            }
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.by_ref().take(64 * 1024).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some("GET"), Some(target)) = (words.next(), words.next()) else {
        return Err(io::Error::other("not a GET request"));
    };
    let mut request = Request {
        target: target.to_owned(),
        headers: Vec::new(),
        number: 0,
    };
    loop {
        let mut line = String::new();
        reader.by_ref().take(64 * 1024).read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => request.headers.push((name.to_owned(), value.to_owned())),
            None => return Ok(Some(request)),
        }
    }
}

//! HTTP/1.1 over a connection that is kept.

use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;

pub enum Link {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub struct Response {
    pub status: u16,
    bytes: Vec<u8>,
    head: usize,
    chunked: Option<Vec<u8>>,
}

impl Link {
    pub fn plain(address: &str) -> Link {
        let socket = TcpStream::connect(address).expect("connect");
        socket.set_nodelay(true).expect("nodelay");
        Link::Plain(socket)
    }

    /// Whether the peer has closed it or said something unasked: then it takes no further request.
    pub fn is_spent(&self) -> bool {
        let socket = match self {
            Link::Plain(socket) => socket,
            Link::Tls(stream) => &stream.sock,
        };
        let _ = socket.set_nonblocking(true);
        let silent =
            matches!(socket.peek(&mut [0]), Err(e) if e.kind() == io::ErrorKind::WouldBlock);
        let _ = socket.set_nonblocking(false);
        !silent
    }

    /// Sends a request, given in pieces, in one write, and reads the whole response.
    pub fn exchange(&mut self, pieces: &[&[u8]]) -> io::Result<Response> {
        let request = pieces.concat();
        match self {
            Link::Plain(socket) => socket.write_all(&request)?,
            Link::Tls(stream) => {
                stream.write_all(&request)?;
                stream.flush()?;
            }
        }
        let mut bytes = Vec::with_capacity(16 * 1024);
        loop {
            if let Some(response) = Response::parse(&mut bytes)? {
                return Ok(response);
            }
            let have = bytes.len();
            bytes.resize(have + 16 * 1024, 0);
            let got = match self {
                Link::Plain(socket) => socket.read(&mut bytes[have..])?,
                Link::Tls(stream) => stream.read(&mut bytes[have..])?,
            };
            bytes.truncate(have + got);
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl Response {
    /// None while it is not whole; takes `bytes` when it is.
    fn parse(bytes: &mut Vec<u8>) -> io::Result<Option<Response>> {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| bad("head"))?;
        let status = head
            .get(9..12)
            .and_then(|s| s.parse().ok())
            .ok_or_else(|| bad("status"))?;
        let start = end + 4;
        let mut chunked = None;
        if let Some(length) = field(head, "Content-Length") {
            let length: usize = length.parse().map_err(|_| bad("length"))?;
            if bytes.len() < start + length {
                return Ok(None);
            }
        } else if field(head, "Transfer-Encoding").is_some() {
            match join_chunks(&bytes[start..])? {
                Some(body) => chunked = Some(body),
                None => return Ok(None),
            }
        }
        Ok(Some(Response {
            status,
            bytes: std::mem::take(bytes),
            head: end,
            chunked,
        }))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        field(std::str::from_utf8(&self.bytes[..self.head]).ok()?, name)
    }

    pub fn body(&self) -> &[u8] {
        self.chunked
            .as_deref()
            .unwrap_or(&self.bytes[self.head + 4..])
    }
}

fn join_chunks(mut rest: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = find(rest, b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|s| usize::from_str_radix(s, 16).ok());
        let size = size.ok_or_else(|| bad("chunk"))?;
        if rest.len() < end + 2 + size + 2 {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

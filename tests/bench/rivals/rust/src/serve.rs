//! An HTTPS listener, to compare handshakes: a thread for each connection, one answer, close.

use rustls::crypto::ring::Ticketer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

pub fn run(address: &str, chain: &str, key: &str) {
    let chain = CertificateDer::pem_file_iter(chain)
        .expect("chain")
        .map(|c| c.expect("certificate"))
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).expect("key");
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    config.ticketer = Ticketer::new().expect("ticketer");
    let config = Arc::new(config);
    for socket in TcpListener::bind(address)
        .expect("bind")
        .incoming()
        .flatten()
    {
        let config = config.clone();
        std::thread::spawn(move || answer(socket, config));
    }
}

fn answer(socket: TcpStream, config: Arc<ServerConfig>) {
    let Ok(connection) = ServerConnection::new(config) else {
        return;
    };
    let mut stream = StreamOwned::new(connection, socket);
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while crate::http::find(&request, b"\r\n\r\n").is_none() {
        match stream.read(&mut piece) {
            Ok(n) if n > 0 => request.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    let _ =
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n");
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

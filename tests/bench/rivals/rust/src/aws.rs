//! Lambda's Invoke API: TLS, Signature Version 4, one connection that is kept.

use crate::http::Link;
use ring::{digest, hmac};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::env;
use std::fmt::Write;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

pub struct Lambda {
    key_id: String,
    secret: String,
    token: String,
    /// host:port, from AWS_ENDPOINT_URL_LAMBDA
    authority: String,
    tls: Arc<ClientConfig>,
    link: Option<Link>,
    /// The key derived for a day and a region, which lasts as long.
    derived: Option<(String, hmac::Key)>,
}

impl Lambda {
    pub fn from_environment() -> Lambda {
        let get = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let endpoint = get("AWS_ENDPOINT_URL_LAMBDA");
        let mut roots = RootCertStore::empty();
        for certificate in
            CertificateDer::pem_file_iter(get("AWS_CA_BUNDLE")).expect("AWS_CA_BUNDLE")
        {
            roots.add(certificate.expect("certificate")).expect("root");
        }
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Lambda {
            key_id: get("AWS_ACCESS_KEY_ID"),
            secret: get("AWS_SECRET_ACCESS_KEY"),
            token: get("AWS_SESSION_TOKEN"),
            authority: endpoint
                .strip_prefix("https://")
                .expect("an https URL")
                .to_owned(),
            tls: Arc::new(tls),
            link: None,
            derived: None,
        }
    }

    pub fn connect_ahead(&mut self) {
        self.link = self.connect().ok();
    }

    fn connect(&self) -> io::Result<Link> {
        let mut socket = TcpStream::connect(&self.authority)?;
        socket.set_nodelay(true)?;
        let host = self
            .authority
            .rsplit_once(':')
            .map_or(self.authority.as_str(), |(host, _)| host);
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut connection =
            ClientConnection::new(self.tls.clone(), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Link::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    pub fn invoke(&mut self, region: &str, function: &str, payload: &[u8]) -> Result<(), String> {
        let head = self.signed_head(region, function, payload);
        if self.link.as_ref().map_or(true, Link::is_spent) {
            self.link = None;
            self.link = Some(self.connect().map_err(|e| e.to_string())?);
        }
        let answer = self
            .link
            .as_mut()
            .expect("a connection")
            .exchange(&[head.as_bytes(), payload]);
        match answer {
            Ok(response) if response.status == 202 => Ok(()),
            Ok(response) => Err(format!("status {}", response.status)),
            Err(e) => {
                self.link = None;
                Err(e.to_string())
            }
        }
    }

    fn signed_head(&mut self, region: &str, function: &str, payload: &[u8]) -> String {
        let now = timestamp(crate::slack::now().as_secs());
        let (day, path) = (
            &now[..8],
            format!("/2015-03-31/functions/{}/invocations", escape(function)),
        );
        let hash = hex(digest::digest(&digest::SHA256, payload).as_ref());
        let scope = format!("{day}/{region}/lambda/aws4_request");
        let names =
            "host;x-amz-content-sha256;x-amz-date;x-amz-invocation-type;x-amz-security-token";
        let canonical = format!(
            "POST\n{}\n\nhost:{}\nx-amz-content-sha256:{hash}\nx-amz-date:{now}\n\
             x-amz-invocation-type:Event\nx-amz-security-token:{}\n\n{names}\n{hash}",
            path.replace('%', "%25"),
            self.authority,
            self.token
        );
        let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{canonical}");
        let signature =
            hex(hmac::sign(self.derived_key(day, region, &scope), to_sign.as_bytes()).as_ref());
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nX-Amz-Content-Sha256: {hash}\r\n\
             X-Amz-Date: {now}\r\nX-Amz-Invocation-Type: Event\r\n\
             X-Amz-Security-Token: {}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={}/{scope}, \
             SignedHeaders={names}, Signature={signature}\r\n\r\n",
            self.authority,
            payload.len(),
            self.token,
            self.key_id
        )
    }

    fn derived_key(&mut self, day: &str, region: &str, scope: &str) -> &hmac::Key {
        if self
            .derived
            .as_ref()
            .map_or(true, |(known, _)| known != scope)
        {
            let first =
                hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", self.secret).as_bytes());
            let last = [day, region, "lambda", "aws4_request"]
                .iter()
                .fold(first, |key, part| {
                    hmac::Key::new(
                        hmac::HMAC_SHA256,
                        hmac::sign(&key, part.as_bytes()).as_ref(),
                    )
                });
            self.derived = Some((scope.to_owned(), last));
        }
        &self.derived.as_ref().expect("just made").1
    }
}

fn escape(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| b"0123456789abcdef"[value as usize] as char;
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// YYYYMMDDTHHMMSSZ. The days are counted from 1 March 0000, in eras of 400 years.
fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86400 + 719_468, seconds % 86400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = year + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

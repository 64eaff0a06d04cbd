//! The request in an event of an API Gateway, believed when Slack has signed it.

use ring::hmac;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

const TOLERANCE_S: i64 = 300;

pub struct Secret(hmac::Key);

impl Secret {
    pub fn new(text: &str) -> Secret {
        Secret(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))
    }
}

#[derive(serde::Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    headers: Headers<'a>,
    #[serde(borrow)]
    body: Cow<'a, str>,
}

/// The two headers that matter; the others are passed over.
#[derive(Default)]
struct Headers<'a> {
    timestamp: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Headers::default())
    }
}

impl<'de> Visitor<'de> for Headers<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some(name) = map.next_key::<&str>()? {
            if name.eq_ignore_ascii_case("X-Slack-Request-Timestamp") {
                self.timestamp = Some(map.next_value()?);
            } else if name.eq_ignore_ascii_case("X-Slack-Signature") {
                self.signature = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self)
    }
}

pub struct Request {
    pub region: String,
    pub function: String,
    pub command: String,
}

impl Request {
    pub fn verified(secret: &Secret, event: &[u8]) -> Result<Request, &'static str> {
        let event: Event = serde_json::from_slice(event).map_err(|_| "not an event")?;
        check(secret, &event)?;
        let mut segments = event.path.trim_matches('/').split('/');
        let (Some(region), Some(function), None) =
            (segments.next(), segments.next(), segments.next())
        else {
            return Err("invalid path");
        };
        let command = form_field(&event.body, "command").ok_or("not a command")?;
        Ok(Request {
            region: region.to_owned(),
            function: function.to_owned(),
            command,
        })
    }
}

fn check(secret: &Secret, event: &Event) -> Result<(), &'static str> {
    let timestamp = event.headers.timestamp.ok_or("no timestamp")?;
    let signature = event
        .headers
        .signature
        .and_then(|s| s.strip_prefix("v0="))
        .and_then(unhex)
        .ok_or("no signature")?;
    let age = now().as_secs() as i64 - timestamp.parse::<i64>().map_err(|_| "no timestamp")?;
    if age.abs() > TOLERANCE_S {
        return Err("too old");
    }
    let signed = ["v0:", timestamp, ":", &event.body].concat();
    hmac::verify(&secret.0, signed.as_bytes(), &signature).map_err(|_| "wrong signature")
}

pub fn now() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("clock")
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 != 0 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}

fn form_field(form: &str, name: &str) -> Option<String> {
    form.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| unescape(value))
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escaped = (bytes[i] == b'%')
            .then(|| text.get(i + 1..i + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(if bytes[i] == b'+' { b' ' } else { bytes[i] }));
        i += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What an API Gateway makes an HTTP response of.
pub fn answer(status: u16, body: &serde_json::Value) -> String {
    let fields = serde_json::json!({ "content-type": "application/json" });
    let body = body.to_string();
    let answer = serde_json::json!({
        "statusCode": status, "headers": fields, "body": body, "isBase64Encoded": false
    });
    answer.to_string()
}

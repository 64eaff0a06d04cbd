//! What the gateway does for a slash command, as lean as Rust can do it: standard sockets, rustls
//! with ring, Signature Version 4 by hand. The connection to AWS is made ahead of the first /next.
//!
//!     rival                              a custom runtime of Lambda
//!     rival serve ADDRESS CHAIN KEY      an HTTPS listener that answers every request alike

mod aws;
mod http;
mod serve;
mod slack;

use std::env;
use std::io::Write;
use std::time::Instant;

const API: &str = "/2018-06-01/runtime/invocation/";

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if arguments.get(1).map(String::as_str) == Some("serve") {
        return serve::run(&arguments[2], &arguments[3], &arguments[4]);
    }
    let api = env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API");
    let secret =
        slack::Secret::new(&env::var("SLACK_SIGNING_SECRET").expect("SLACK_SIGNING_SECRET"));
    let mut lambda = aws::Lambda::from_environment();
    lambda.connect_ahead();
    let mut runtime = http::Link::plain(&api);
    let next = format!("GET {API}next HTTP/1.1\r\nHost: {api}\r\n\r\n");
    loop {
        let event = runtime.exchange(&[next.as_bytes()]).expect("/next");
        let id = event
            .header("Lambda-Runtime-Aws-Request-Id")
            .expect("request id")
            .to_owned();
        let answer = handle(&secret, &mut lambda, event.body());
        let head = format!(
            "POST {API}{id}/response HTTP/1.1\r\nHost: {api}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            answer.len()
        );
        let accepted = runtime
            .exchange(&[head.as_bytes(), answer.as_bytes()])
            .expect("/response");
        assert_eq!(accepted.status, 202);
    }
}

fn handle(secret: &slack::Secret, lambda: &mut aws::Lambda, event: &[u8]) -> String {
    let began = Instant::now();
    let request = match slack::Request::verified(secret, event) {
        Ok(request) => request,
        Err(why) => {
            log(&format!("refused: {why}"));
            return slack::answer(401, &serde_json::json!({ "error": why }));
        }
    };
    let text = match lambda.invoke(&request.region, &request.function, event) {
        Ok(()) => format!(
            "Lambda function {}@{} has been started...",
            request.function, request.region
        ),
        Err(why) => format!(
            "Lambda function {}@{} could not be started: {why}",
            request.function, request.region
        ),
    };
    log(&format!(
        "{} {}@{} in {} us",
        request.command,
        request.function,
        request.region,
        began.elapsed().as_micros()
    ));
    slack::answer(
        200,
        &serde_json::json!({ "response_type": "ephemeral", "text": text }),
    )
}

fn log(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

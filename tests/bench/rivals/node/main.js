// What the gateway does for a slash command, with the SDK for JavaScript. It connects ahead of the
// first /next through the agent that the SDK uses afterwards.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const TOLERANCE_S = 300;
const env = process.env;
const runtime = new http.Agent({ keepAlive: true, maxSockets: 1 });
const ca = readFileSync(env.AWS_CA_BUNDLE);
const httpsAgent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
const lambda = new LambdaClient({
	endpoint: env.AWS_ENDPOINT_URL_LAMBDA,
	region: env.AWS_REGION,
	credentials: {
		accessKeyId: env.AWS_ACCESS_KEY_ID,
		secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
		sessionToken: env.AWS_SESSION_TOKEN,
	},
	requestHandler: new NodeHttpHandler({ httpsAgent }),
});

function exchange(client, url, options, body) {
	return new Promise((resolve, reject) => {
		const request = client.request(url, options, (response) => {
			const parts = [];
			response.on("data", (part) => parts.push(part));
			response.on("end", () =>
				resolve({ headers: response.headers, body: Buffer.concat(parts) }));
		});
		request.on("error", reject);
		request.end(body);
	});
}

function verify(event) {
	const headers = Object.fromEntries(
		Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value]));
	const timestamp = headers["x-slack-request-timestamp"];
	if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S))
		throw new Error("too old");
	const wanted = createHmac("sha256", env.SLACK_SIGNING_SECRET)
		.update(`v0:${timestamp}:${event.body}`).digest();
	const given = Buffer.from((headers["x-slack-signature"] ?? "").replace(/^v0=/, ""), "hex");
	if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
		throw new Error("wrong signature");
}

const reply = (statusCode, body) =>
	JSON.stringify({
		statusCode, headers: { "content-type": "application/json" },
		body: JSON.stringify(body), isBase64Encoded: false,
	});

async function handle(payload) {
	const began = process.hrtime.bigint();
	const event = JSON.parse(payload);
	try {
		verify(event);
	} catch (error) {
		console.error(`refused: ${error.message}`);
		return reply(401, { error: error.message });
	}
	const [region, name] = event.path.replace(/^\//, "").split("/");
	const command = new URLSearchParams(event.body).get("command");
	let text = `Lambda function ${name}@${region} has been started...`;
	try {
		await lambda.send(new InvokeCommand(
			{ FunctionName: name, InvocationType: "Event", Payload: payload }));
	} catch (error) {
		text = `Lambda function ${name}@${region} could not be started: ${error.message}`;
	}
	const us = (process.hrtime.bigint() - began) / 1000n;
	console.error(`${command} ${name}@${region} in ${us} us`);
	return reply(200, { response_type: "ephemeral", text });
}

await exchange(https, env.AWS_ENDPOINT_URL_LAMBDA, { method: "HEAD", agent: httpsAgent });
const api = `http://${env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
for (;;) {
	const event = await exchange(http, `${api}next`, { agent: runtime });
	const answer = await handle(event.body);
	const id = event.headers["lambda-runtime-aws-request-id"];
	const length = Buffer.byteLength(answer);
	const headers = { "content-type": "application/json", "content-length": length };
	const options = { method: "POST", agent: runtime, headers };
	await exchange(http, `${api}${id}/response`, options, answer);
}

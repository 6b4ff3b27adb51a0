// Speaks the wire formats of the providers on loopback: aimock, behind a small front that breaks replies on demand.
//
// The words of the last user message choose what happens (see `fixtures`, and `fault` for what the front does itself).
// Prints one line of JSON with the address once it listens; ends when its standard input is closed.

import http from "node:http";
import { LLMock } from "@copilotkit/aimock";

const WEATHER = { name: "get_weather", arguments: JSON.stringify({ city: "Paris" }) };
const TIME = { name: "get_time", arguments: JSON.stringify({ city: "Paris" }) };
const OVERFLOW =
  "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. " +
  "Please reduce the length of the messages.";

function fixtures(mock) {
  const failing = (words, status, message, more = {}) =>
    mock.onMessage(words, { error: { message, type: more.type ?? "error", code: more.code }, status, retryAfter: more.retryAfter });
  failing("please be limited", 429, "Rate limit reached for requests", { retryAfter: 7, type: "rate_limit_error" });
  failing("please fail", 500, "The server had an error while processing your request", { type: "api_error" });
  failing("please refuse the key", 401, "Incorrect API key provided: sk-CANARY1234567890", { type: "authentication_error" });
  failing("please overflow", 400, OVERFLOW, { code: "context_length_exceeded", type: "invalid_request_error" });
  failing("please be overloaded", 529, "Overloaded", { type: "overloaded_error" });
  failing("please know no model", 404, "The model `nothing` does not exist", { code: "model_not_found" });
  mock.on({ userMessage: "one tool", hasToolResult: true }, { content: "It is 21 degrees in Paris." });
  mock.on({ userMessage: "one tool" }, { toolCalls: [WEATHER] });
  mock.on({ userMessage: "two tools", hasToolResult: true }, { content: "21 degrees at noon." });
  mock.on({ userMessage: "two tools" }, { toolCalls: [WEATHER, TIME] });
  mock.onMessage("as data", { content: JSON.stringify({ city: "Paris", degrees: 21 }) });
  mock.onMessage("too long an answer", { content: "This goes on and", finishReason: "length" });
  mock.onMessage("say hello", { content: "Hello there, this is a reply in several words." });
}

const SNAKE = /_([a-z])/g;
const CAMEL_KEYS = new Set([
  "function_declarations", "function_call", "function_response", "system_instruction", "inline_data", "mime_type",
  "generation_config", "tool_config", "function_calling_config", "max_output_tokens", "response_mime_type",
  "response_schema", "response_json_schema", "thought_signature", "stop_sequences",
]);

// LiteLLM sends Gemini's fields in snake case, which Google takes and aimock does not.
function camel(value) {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      CAMEL_KEYS.has(key) ? key.replace(SNAKE, (_, letter) => letter.toUpperCase()) : key,
      camel(inner),
    ]),
  );
}

function fault(text, reply, response) {
  const headers = { ...reply.headers };
  delete headers["content-length"];
  if (text.includes("please garble")) {
    response.writeHead(200, { ...headers, "content-type": "application/json" });
    response.end('{"id": "x", "choices": [{"mess');
    return true;
  }
  const cleanly = text.includes("end early");
  if (cleanly || text.includes("break off")) {
    response.writeHead(reply.statusCode, headers);
    const chunks = [];
    reply.on("data", (chunk) => chunks.push(chunk));
    reply.on("end", () => {
      const whole = Buffer.concat(chunks);
      const part = cut(whole);
      response.write(part, () => setTimeout(() => (cleanly ? response.end() : response.destroy()), 20));
    });
    return true;
  }
  return false;
}

// About half of the events of a stream, whole ones, so that only the end is missing.
function cut(whole) {
  const marks = [];
  for (let at = whole.indexOf("\n"); at >= 0; at = whole.indexOf("\n", at + 1)) marks.push(at + 1);
  if (marks.length < 4) return frames(whole);
  const text = whole.subarray(0, marks[Math.floor(marks.length / 2)]).toString();
  const end = text.lastIndexOf("\n\n");
  return end > 0 ? text.slice(0, end + 2) : text;
}

// Bedrock's binary frames begin with their length.
function frames(whole) {
  const ends = [];
  for (let at = 0; at + 4 <= whole.length; ) {
    const length = whole.readUInt32BE(at);
    if (length < 16 || at + length > whole.length) break;
    ends.push((at += length));
  }
  return whole.subarray(0, ends.length > 2 ? ends[Math.floor(ends.length / 2)] : Math.floor(whole.length / 2));
}

function lastUserText(body) {
  return JSON.stringify(body.messages ?? body.contents ?? "");
}

const mock = new LLMock({ port: 0, host: "127.0.0.1", chunkSize: 6 });
fixtures(mock);
await mock.start();
const backend = new URL(mock.url);

let last = { url: "", headers: {}, body: "" };

const front = http.createServer((request, response) => {
  if (request.url === "/last") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(last));
    return;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    if (request.url === "/token") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ access_token: "a-token", expires_in: 3600, token_type: "Bearer" }));
      return;
    }
    let raw = Buffer.concat(pieces);
    last = { url: request.url, headers: request.headers, body: raw.toString() };
    let text = "";
    try {
      let body = JSON.parse(raw.toString());
      if (/generateContent/i.test(request.url)) body = camel(body);
      text = lastUserText(body);
      raw = Buffer.from(JSON.stringify(body));
    } catch {
      // no JSON: passed on as it is
    }
    if (text.includes("please hang")) return;
    // Hugging Face's router and addresses of our own speak OpenAI's language
    const path = request.url.replace(/^\/hf\/.*chat\/completions/, "/v1/chat/completions").replace(/^\/hf\//, "/");
    const options = {
      host: backend.hostname,
      port: backend.port,
      path,
      method: request.method,
      headers: { ...request.headers, host: backend.host, "content-length": raw.length },
    };
    delete options.headers["transfer-encoding"];
    const forwarded = http.request(options, (reply) => {
      if (fault(text, reply, response)) return;
      response.writeHead(reply.statusCode, reply.headers);
      reply.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    forwarded.end(raw);
  });
});

front.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${front.address().port}` })}\n`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));

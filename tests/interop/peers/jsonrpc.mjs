// A peer of JSON-RPC in Node, with nothing but what Node brings along. Words: `client URL`, or `server`.
//
// The client makes its calls as a web application does, and prints a line of JSON for each: [status, reply or null].
// The server answers calls, notifications and batches, and prints its URL first.

import { createServer } from "node:http";

const CALLS = [
  { jsonrpc: "2.0", method: "add", params: [2, 3], id: 1 },
  { jsonrpc: "2.0", method: "add", params: { a: 2, b: 3 }, id: "by name" },
  { jsonrpc: "2.0", method: "echo", params: [{ text: "漢 \u{1f600}", list: [null, true, 1.5] }], id: 2 },
  { jsonrpc: "2.0", method: "fail", params: ["boom"], id: 3 },
  { jsonrpc: "2.0", method: "nope", id: 4 },
  { jsonrpc: "2.0", method: "remember", params: ["from Node"] },
  [
    { jsonrpc: "2.0", method: "add", params: [1, 1], id: 5 },
    { jsonrpc: "2.0", method: "add", params: [2, 2], id: 6 },
  ],
];

async function call(url) {
  for (const message of CALLS) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(message) });
    const text = await answer.text();
    console.log(JSON.stringify([answer.status, text ? JSON.parse(text) : null]));
  }
}

const METHODS = {
  add: (a, b) => a + b,
  echo: (value) => value,
  fail: (text) => {
    throw new RangeError(text);
  },
};

function reply(message) {
  const id = message?.id ?? null;
  const method = METHODS[message?.method];
  const failed = (code, text, data) => ({ jsonrpc: "2.0", error: { code, message: text, data }, id });
  if (message?.jsonrpc !== "2.0") return failed(-32600, "Invalid Request");
  if (!Object.hasOwn(METHODS, message.method)) return failed(-32601, "Method not found");
  if (!Array.isArray(message.params ?? [])) return failed(-32602, "Invalid params");
  try {
    return { jsonrpc: "2.0", result: method(...(message.params ?? [])), id };
  } catch (error) {
    return failed(-32000, error.message, { name: error.name });
  }
}

function answer(body) {
  const message = JSON.parse(body);
  const replies = [message].flat().map((each) => [each, reply(each)]);
  const wanted = replies.filter(([each]) => "id" in each).map(([, found]) => found);
  return Array.isArray(message) ? wanted : wanted[0];
}

function serve() {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      const found = answer(body);
      response.writeHead(found === undefined ? 204 : 200, { "Content-Type": "application/json" });
      response.end(found === undefined ? undefined : JSON.stringify(found));
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
}

const [role, url] = process.argv.slice(2);
await (role === "client" ? call(url) : serve());

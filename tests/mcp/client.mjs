// Talks to a server with the official TypeScript SDK; prints what it learned as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [how, ...rest] = process.argv.slice(2);
const transport = how === "http"
  ? new StreamableHTTPClientTransport(new URL(rest[0]), { requestInit: { headers: { Authorization: `Bearer ${rest[1]}` } } })
  : new StdioClientTransport({ command: rest[0], args: rest.slice(1), env: process.env });
const client = new Client({ name: "typescript", version: "1" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, async () => ({
  action: "accept", content: { decision: "publish", title: "from node", count: 1 },
}));
await client.connect(transport);
const progress = [];
const tools = await client.listTools();
const greet = await client.callTool({ name: "greet", arguments: { who: "Ada" } }, undefined, {
  onprogress: (step) => progress.push(step.message),
});
const ship = await client.callTool({ name: "ship", arguments: {} });
const agent = await client.callTool({ name: "prompt_nano_agent", arguments: { agentic_prompt: "Say hello" } });
const resources = await client.listResources();
console.log(JSON.stringify({
  tools: tools.tools.map((tool) => tool.name), greet: greet.structuredContent, ship: ship.structuredContent,
  agent: agent.structuredContent, resources: resources.resources.length, progress,
}));
await client.close();

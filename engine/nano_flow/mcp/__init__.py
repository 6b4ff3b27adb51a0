"""nano-flow as an MCP server: workflows, runs and one agent, offered to hosts as tools."""

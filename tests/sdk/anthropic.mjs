// What an agent does with Anthropic's own client: an answer at once, and one that streams.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ maxRetries: 0 });
const ask = { model: "m", max_tokens: 16, messages: [{ role: "user", content: "hello" }] };
const whole = await client.messages.create(ask);
const pieces = [];
for await (const event of await client.messages.create({ ...ask, stream: true })) {
  if (event.type === "content_block_delta") pieces.push(event.delta.text);
}
console.log(JSON.stringify({ whole: whole.content[0].text, pieces }));

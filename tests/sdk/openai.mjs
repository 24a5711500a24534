// What an agent does with OpenAI's own client: an answer at once, and one that streams.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const whole = await client.chat.completions.create({ model: "m", messages });
const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
const pieces = [];
const times = [];
for await (const event of stream) {
  pieces.push(event.choices[0]?.delta?.content ?? "");
  times.push(Date.now());
}
console.log(JSON.stringify({ whole: whole.choices[0].message.content, pieces, spread: times.at(-1) - times[0] }));

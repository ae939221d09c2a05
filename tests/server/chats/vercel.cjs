// What the Vercel AI SDK gets from a server: node vercel.cjs URL MODEL; one JSON object on stdout.
// NODE_PATH names the folder in which `ai` and `@ai-sdk/openai-compatible` are installed.
const { generateText, streamText, generateObject, tool, jsonSchema } = require("ai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");

const [url, name] = process.argv.slice(2);
const provider = createOpenAICompatible({
  name: "genloom",
  baseURL: `${url}/v1`,
  supportsStructuredOutputs: true,
  includeUsage: true,
});
const model = provider(name);
const asked = { model, temperature: 0, seed: 1, maxRetries: 0, maxOutputTokens: 150 };
const parameters = jsonSchema({
  type: "object",
  properties: { days: { enum: [1] } },
  required: ["days"],
  additionalProperties: false,
});
const weather = tool({ description: "the weather", inputSchema: parameters });

async function main() {
  const whole = await generateText({ ...asked, prompt: "say b" });
  const stream = streamText({ ...asked, prompt: "say c" });
  let streamed = "";
  for await (const part of stream.textStream) streamed += part;
  const calls = streamText({
    ...asked,
    prompt: "say a",
    tools: { weather },
    toolChoice: "required",
  });
  for await (const _ of calls.fullStream);
  const object = await generateObject({ ...asked, prompt: "say a", schema: parameters });
  const usage = await stream.usage;
  console.log(
    JSON.stringify({
      whole: whole.text,
      streamed,
      tokens: usage.outputTokens,
      calls: (await calls.toolCalls).map((one) => [one.toolName, one.input]),
      finish: await calls.finishReason,
      object: object.object,
    }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

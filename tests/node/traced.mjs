// A producer that is traced with bullmq-otel: adds one job, sends its spans, prints the
// trace context that it stored.
//
//   node traced.mjs PORT PREFIX COLLECTOR QUEUE NAME DATA

import { NodeTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BullMQOtel } from "bullmq-otel";
import { Queue } from "bullmq";
const [port, prefix, url, queue, name, data] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url });
const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
provider.register();
const connection = { port: +port };
const producer = new Queue(queue, { connection, prefix, telemetry: new BullMQOtel("shop") });
const job = await producer.add(name, JSON.parse(data));
console.log(job.opts.telemetry.metadata);
await producer.close();
await provider.shutdown();

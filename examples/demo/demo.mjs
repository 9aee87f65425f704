// `make demo`: the sample queues, end to end.
//
// Starts `runner dev --outbox` on queues.toml, adds the sample jobs from npm
// bullmq and from the command line, shows what becomes of them, and leaves
// Runner running until Ctrl-C. DEMO_EXIT=1 ends after the summary, with exit
// code 1 if a job failed or nothing was sent.

import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { document } from './pdf.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
// The tests run it with theirs.
const binary = process.env.DEMO_RUNNER ?? join(root, 'target/release/runner');
const patience = 120_000;

// Providers are played by the outbox; any value does.
const secrets = Object.fromEntries(
  [
    ['WHATSAPP_TOKEN', 'demo'],
    ['RESEND_API_KEY', 'demo'],
    ['TWILIO_ACCOUNT_SID', 'ACdemo'],
    ['TWILIO_AUTH_TOKEN', 'demo'],
    ['SLACK_WEBHOOK_URL', 'https://hooks.slack.com/services/T0/B0/demo'],
    ['EXPO_ACCESS_TOKEN', 'demo'],
  ].map(([name, value]) => [name, process.env[name] ?? value]),
);
const env = { ...process.env, ...secrets };

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const dim = (text) => paint(2, text);
const say = (text = '') => console.log(text);

/** One line per event: queue, job, what happened. */
function tell(queue, job, what, code) {
  say(`  ${queue.padEnd(20)} ${String(job).padEnd(24)} ${code ? paint(code, what) : what}`);
}

const person = 'a81bc81b-dead-4e5d-abff-90865d1e13b1';
const documentText = [
  ['Customer file 2041', 'Name: Ada Example', 'E-mail: ada@example.com', 'Phone: +49 170 1234567'],
  ['Payment', 'Card: 4111 1111 1111 1111', 'IBAN: DE89 3704 0044 0532 0130 00', 'Diagnosis: none on file'],
];

/** [queue, name, data, options], the payloads as their producers write them. */
function samples(pdf) {
  const file = { documentId: 'demo-doc-123', userId: person, mimeType: 'application/pdf' };
  return [
    ['otp-queue', 'whatsapp-otp', { recipient: '+14155550123', otp: '123456', userName: 'Test User' }],
    ['otp-queue', 'email-otp', { recipient: 'user@example.com', otp: '654321', userName: 'Test User' }, { priority: 1 }],
    ['document-processing', 'process-document', { ...file, filename: 'document.pdf', fileSize: pdf.length }],
    ['notifications', 'send-notification', { userId: person, type: 'email', subject: 'Welcome', message: 'Good to see you.' }],
    ['notifications', 'trade', { to: 'user@example.com', phone: '+14155550123', asset: 'BTC', amount: 1000, quantity: 0.02, order: 'order-id-123' }, { delay: 500 }],
    ['compliance-analysis', 'analyze-compliance', { ...file, documentPath: '/documents/document.pdf', complianceFrameworks: ['GDPR', 'PCI'] }],
  ].map(([queue, name, data, opts = {}]) => ({ queue, name, data, opts: { attempts: 3, backoff: { type: 'exponential', delay: 1000 }, ...opts } }));
}

/** Runner's own lines; resolves when all queues are consumed. */
function start() {
  const child = spawn(binary, ['--log-format', 'json', 'dev', '--outbox'], { cwd: root, env, stdio: ['ignore', 'inherit', 'pipe'] });
  const ready = new Promise((resolve, reject) => {
    let rest = '';
    child.stderr.on('data', (bytes) => {
      const lines = (rest + bytes).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        let entry;
        try {
          entry = JSON.parse(line);
        } catch {
          say(line); // not a log line: an error message for people
          continue;
        }
        const { message, level, timestamp, target, ...fields } = entry;
        if (message === 'ready') resolve();
        if (level === 'WARN' || level === 'ERROR') {
          const why = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
          say(paint(33, `  ${message} ${why.join(' ')}`));
        }
      }
    });
    child.on('exit', (code) => reject(new Error(`runner ended with ${code}`)));
  });
  return { child, ready };
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${patience / 1000} s`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Show the events of a queue; `open` counts the jobs that have not ended. */
async function follow(name, connection, open) {
  const queue = new Queue(name, { connection });
  const events = new QueueEvents(name, { connection });
  const ended = { completed: 0, failed: 0 };
  const names = new Map();
  const began = (jobId, name) => {
    names.set(jobId, name);
    if (!over.has(jobId)) open.add(`${queue.name} ${jobId}`);
  };
  const over = new Set();
  events.on('added', ({ jobId, name }) => began(jobId, name));
  const label = (jobId) => `${jobId.length > 6 ? '…' : jobId} ${names.get(jobId) ?? ''}`;
  events.on('progress', ({ jobId, data }) => {
    const percent = typeof data === 'object' ? `${Math.round(data.percent)} % ${data.message ?? ''}` : `${Math.round(data)} %`;
    tell(name, label(jobId), dim(percent));
  });
  const end = (state, text, code) => ({ jobId, ...args }) => {
    ended[state] += 1;
    tell(name, label(jobId), text(args), code);
    over.add(jobId);
    open.delete(`${queue.name} ${jobId}`);
  };
  events.on('completed', end('completed', ({ returnvalue }) => `completed ${brief(returnvalue)}`, 32));
  events.on('failed', end('failed', ({ failedReason }) => `failed: ${failedReason}`, 31));
  await events.waitUntilReady();
  return { name, queue, events, ended, began };
}

const brief = (value) => {
  const text = JSON.stringify(value) ?? '';
  return dim(text.length > 90 ? `${text.slice(0, 90)}…` : text);
};

async function main() {
  const pdf = document(documentText);
  mkdirSync(join(root, 'data/documents'), { recursive: true });
  writeFileSync(join(root, 'data/documents/document.pdf'), pdf);

  say(paint(1, 'Starting runner dev --outbox'));
  const runner = start();
  const stop = () => runner.child.kill('SIGTERM');
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  try {
    await within(runner.ready, 'starting');
    const port = Number(readFileSync(join(root, 'data/redis/port'), 'utf8'));
    const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };

    const open = new Set();
    const consumed = ['otp-queue', 'document-processing', 'compliance-analysis', 'notifications', 'backend-events'];
    const followed = await Promise.all(consumed.map((name) => follow(name, connection, open)));

    // The backend of the sample: a plain Node worker beside Runner, on the queue
    // to which the plugins report.
    const backend = new Worker('backend-events', async () => null, { connection, concurrency: 5 });

    say(`\n${paint(1, 'Adding jobs')} ${dim('from npm bullmq and with `runner add`')}`);
    const on = Object.fromEntries(followed.map((one) => [one.name, one]));
    for (const { queue, name, data, opts } of samples(pdf)) {
      const job = await on[queue].queue.add(name, data, opts);
      on[queue].began(job.id, name);
      tell(queue, `${job.id} ${name}`, dim('added'));
    }
    const slack = JSON.stringify({ type: 'slack', message: 'Hello from the command line.' });
    const cli = await promisify(execFile)(
      binary,
      ['--redis', `redis://127.0.0.1:${port}`, 'add', 'notifications', 'send-notification', slack, '--wait', '--timeout', '60s'],
      { cwd: root, env },
    );
    say(`  ${dim('runner add … --wait printed')} ${brief(JSON.parse(cli.stdout))}`);

    say(`\n${paint(1, 'Adding what does not fit')} ${dim('the contract says that a code is a string')}`);
    const wrong = { recipient: '+14155550123', otp: 123456 };
    const refused = await promisify(execFile)(
      binary,
      ['--redis', `redis://127.0.0.1:${port}`, 'add', 'otp-queue', 'whatsapp-otp', JSON.stringify(wrong)],
      { cwd: root, env },
    ).then(
      () => null,
      (error) => error.stderr.trim(),
    );
    say(`  runner add  ${paint(31, refused ?? 'took it')}`);
    const bad = await on['otp-queue'].queue.add('whatsapp-otp', wrong, { attempts: 3 });
    on['otp-queue'].began(bad.id, 'whatsapp-otp');
    tell('otp-queue', `${bad.id} whatsapp-otp`, dim('added by Node, which checks nothing'));

    await within(idle(open), 'the jobs');
    const { failedReason } = await on['otp-queue'].queue.getJob(bad.id);
    const sent = await outbox();
    summary(followed, sent);
    // One is meant to: it must have been refused at both doors.
    const caught = [refused, failedReason].every((reason) => reason?.includes('data.otp: expected a string'));
    const failed = followed.reduce((sum, { ended }) => sum + ended.failed, 0) - (caught ? 1 : 0);
    await Promise.all([backend, ...followed.flatMap(({ queue, events }) => [queue, events])].map((made) => made.close()));

    if (process.env.DEMO_EXIT) {
      process.exitCode = failed > 0 || sent.length === 0 ? 1 : 0;
      stop();
    } else {
      next(port);
    }
  } catch (error) {
    say(`\ndemo: ${error.message}`);
    process.exitCode = 1;
    stop();
  }
  if (runner.child.exitCode === null) await new Promise((resolve) => runner.child.on('exit', resolve));
  process.exit();
}

/** Until no job is open; jobs that jobs added count from their `added` event. */
async function idle(open) {
  for (let quiet = 0; quiet < 10; quiet = open.size === 0 ? quiet + 1 : 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The HTTP requests that the plugins made. */
async function outbox() {
  const { stdout } = await promisify(execFile)(binary, ['--json', 'outbox'], { cwd: root, env });
  return stdout.trim().split('\n').filter(Boolean);
}

function summary(followed, sent) {
  say(`\n${paint(1, 'Done')}`);
  for (const { name, ended } of followed) {
    const failed = ended.failed ? paint(31, `${ended.failed} failed`) : dim('0 failed');
    say(`  ${name.padEnd(20)} ${ended.completed} completed  ${failed}`);
  }
  say(`  ${sent.length} HTTP requests, answered by the outbox`);
}

function next(port) {
  say(`\nRunner is running on redis://127.0.0.1:${port}. In another terminal:\n`);
  for (const [command, what] of [
    ['runner outbox', 'what the plugins sent'],
    ['runner job get document-processing 1', 'a job, its result and its runner'],
    ['runner job logs document-processing 1', 'what it said'],
    [`runner add otp-queue email-otp '{"recipient":"ada@example.com","otp":"123456","userName":"Ada"}' --wait`, 'another job'],
    ['runner contract show otp-queue', 'what its jobs are; also as JSON Schema, TypeScript, OpenAPI'],
    ['runner explain notifications', 'every setting and its origin'],
    ['make plugins', 'change plugins/*/src first: the next job runs on the new version'],
  ]) {
    say(`  ${command.startsWith('runner') ? command.replace('runner', 'target/release/runner') : command}\n    ${dim(what)}`);
  }
  say('\nCtrl-C stops it.');
}

await main();

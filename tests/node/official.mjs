// BullMQ's own scripts, one step at a time, for the comparison with ours.
//
//   node official.mjs <5|6> <redis port> <prefix> <JSON list of {queue, steps}>
//
// Steps: ["take"], ["complete", value], ["fail", reason], ["reject", reason],
// ["back"], ["later", ms], ["progress", value], ["log", line], ["stalled"],
// each about the job taken first and not ended; ["due", id]: a delayed job falls due.

import { Redis } from 'ioredis';

const [version, port, prefix, cases] = process.argv.slice(2);
const { Worker, UnrecoverableError } = await import(version === '5' ? 'bullmq5' : 'bullmq');
const connection = { host: '127.0.0.1', port: Number(port) };
const token = 'token';
const raw = new Redis(connection);

/** The trace is the reason, as ours without frames. */
const failure = (error) => Object.assign(error, { stack: error.message });

async function run({ queue, steps }) {
  const worker = new Worker(queue, null, {
    connection, prefix, name: 'runner-1', autorun: false, skipStalledCheck: true, maxStalledCount: 1,
  });
  worker.on('error', () => {});
  await worker.waitUntilReady();
  const jobs = [];
  for (const [step, argument] of steps) {
    if (step === 'take') {
      const job = await worker.getNextJob(token, { block: false });
      // Version 5 has done this already, and returns no job.
      if (job?.deferredFailure) {
        await job.moveToFailed(failure(new UnrecoverableError(job.deferredFailure)), token, false);
      } else if (job) jobs.push(job);
    } else if (step === 'progress') await jobs[0].updateProgress(argument);
    else if (step === 'log') await jobs[0].log(argument, jobs[0].opts.keepLogs);
    else if (step === 'stalled') await worker.moveStalledJobsToWait();
    else if (step === 'due') await raw.zadd(`${prefix}:${queue}:delayed`, 4096, argument);
    else {
      const job = jobs.shift();
      if (!job) throw new Error(`${queue}: nothing to ${step}`);
      if (step === 'complete') await job.moveToCompleted(argument, token, false);
      else if (step === 'fail') await job.moveToFailed(failure(new Error(argument)), token, false);
      else if (step === 'reject') await job.moveToFailed(failure(new UnrecoverableError(argument)), token, false);
      else if (step === 'back') await job.moveToWait(token);
      else if (step === 'later') await job.moveToDelayed(Date.now() + argument, token);
      else throw new Error(step);
    }
  }
  await worker.close();
}

await Promise.all(JSON.parse(cases).map(run));
raw.disconnect();

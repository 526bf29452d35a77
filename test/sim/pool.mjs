// As many processes as there are processors, each with one seed or one control at a time.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./worker.mjs', import.meta.url));

/** Each job goes to the next process that is free, in order. Rejects when a process ends before its job does. */
export async function distribute(jobs, onResult) {
  const left = [...jobs];
  const workers = Array.from({ length: Math.min(availableParallelism(), jobs.length) }, () => workOn(left, onResult));
  await Promise.all(workers);
}

function workOn(left, onResult) {
  return new Promise((resolve, reject) => {
    const worker = fork(program, process.argv.slice(2));
    const next = () => {
      const job = left.shift();
      if (job) worker.send(job);
      else worker.disconnect();
      return job;
    };
    let job = next();
    worker.on('message', (result) => {
      onResult(result);
      job = next();
    });
    worker.on('error', reject);
    worker.on('exit', (code, signal) => {
      if (job) reject(new Error(`a process ended with ${code ?? signal} over ${JSON.stringify(job)}`));
      else resolve();
    });
  });
}

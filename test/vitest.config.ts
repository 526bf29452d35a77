// How all tests run together; TEST_REPORT names a file for a JSON report beside the usual output.
import { readdirSync, readFileSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';

const report = process.env.TEST_REPORT;

/** They put modules of their own in the place of others, which must not be loaded yet. */
const replacing = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name}`)
  .filter((path) => /\.test\.(ts|mjs)$/.test(path) && /\bvi\.(mock|doMock)\(/.test(readFileSync(path, 'utf8')));

/** They hold the time or the memory of their process against a narrow limit. */
const measuring = [
  'test/bus/participation.test.ts',
  'test/bus/session-speed.test.ts',
  'test/http/socket-liveness.test.ts',
  'test/scale/report.test.mjs',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    // Many tests wait more than they compute: no processor is kept free for those that start processes of their own.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: [...configDefaults.exclude, ...replacing, ...measuring],
          // To load the server and its packages anew for each file takes as long as a third of all tests.
          isolate: false,
          // What a file changes of its process, the next file in it would see.
          setupFiles: 'test/support/left-behind.ts',
        },
      },
      { extends: true, test: { name: 'replacing', include: replacing } },
      // After the others: each in a process of its own, with nothing beside it. What else the machine does may take their
      // time from them once; what is too slow is so every time.
      { extends: true, test: { name: 'measuring', include: measuring, fileParallelism: false, retry: 2 } },
    ],
  },
});

// Which file may import which: the ranks of src/, and what each rank must do without.
const npm = '(^|/)node_modules/';

/** Lower ranks first; a folder imports from lower ranks and from itself. */
const ranks = [
  ['protocol'],
  ['core', 'schema', 'client'],
  ['ports', 'config'],
  ['providers', 'templates'],
  ['store', 'bus'],
  ['http'],
  ['server', 'session-manager'],
  ['cli', 'index'],
];
/** A rank's name stands for a folder or for the one file of that name. */
const inSource = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;

const direction = ranks.flatMap((names, rank) =>
  names.map((name) => ({
    name: `${name}-imports-lower-ranks-only`,
    severity: 'error',
    from: { path: inSource([name]) },
    to: { path: '^src/', pathNot: inSource([...ranks.slice(0, rank).flat(), name]) },
  })),
);

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
const npmTypes = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'];

module.exports = {
  forbidden: [
    ...direction,
    forbid(
      'every-file-has-a-rank',
      'A new folder under src/ needs a place in `ranks`.',
      { path: '^src/', pathNot: inSource(ranks.flat()) },
      {},
    ),
    forbid(
      'protocol-core-and-client-run-anywhere',
      'They are pure or browser-safe: nothing of Node.',
      { path: inSource(['protocol', 'core', 'client']) },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'core-and-client-need-no-package',
      'Pure, and easy to embed.',
      { path: inSource(['core', 'client']) },
      { dependencyTypes: npmTypes },
    ),
    forbid(
      'protocol-needs-ulid-only',
      'The wire types come with nothing else.',
      { path: inSource(['protocol']) },
      { dependencyTypes: npmTypes, pathNot: `(${npm}|^)ulid(/|$)` },
    ),
    forbid(
      'client-knows-the-protocol-only',
      'An SDK must not drag the server along.',
      { path: inSource(['client']) },
      { path: '^src/', pathNot: inSource(['protocol', 'client']) },
    ),
    forbid(
      'bus-knows-no-framework',
      'The bus knows ports; the doors validate, the adapters store.',
      { path: inSource(['bus']) },
      { path: `(${npm}|^)(fastify|@fastify|ajv|ajv-formats|lmdb)(/|$)` },
    ),
    forbid(
      'lmdb-stays-in-its-adapter',
      'Another store must be able to take its place.',
      { path: '^src/', pathNot: '^src/store/lmdb' },
      { path: `(${npm}|^)lmdb(/|$)` },
    ),
    forbid(
      'ai-sdk-stays-in-the-providers',
      'A program that talks to no model does not load it.',
      { path: '^src/', pathNot: inSource(['providers']) },
      { path: `(${npm}|^)(ai|@ai-sdk)(/|$)` },
    ),
    forbid(
      'only-the-server-picks-adapters',
      'And the session manager without one. Everything else knows the ports.',
      { path: '^src/', pathNot: inSource(['server', 'session-manager', 'store']) },
      { path: inSource(['store']) },
    ),
    forbid(
      'only-the-server-loads-providers',
      'Everything else knows the port, or is given a provider.',
      { path: '^src/', pathNot: inSource(['server', 'providers']) },
      { path: inSource(['providers']) },
    ),
    forbid('no-circles', 'Neither file can be read first.', {}, { circular: true }),
    forbid('no-orphans', 'Nobody imports it, it imports nobody.', { orphan: true, path: '^src/' }, {}),
    forbid('resolvable', 'It would fail at run time.', {}, { couldNotResolve: true }),
    forbid(
      'no-development-package',
      'It is not there after `npm install` of this package.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};

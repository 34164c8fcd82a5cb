// The one list of rooms, lowest floor first. A room may import only rooms to its left (ARCHITECTURE.md).
const rooms = [
  'errors',
  'arrow',
  'predicate',
  'credentials',
  'objects',
  'footers',
  'decode',
  'catalog',
  'planning',
  'scan',
  'metrics',
  'access',
  'query',
  'grpc',
  'federation',
  'flight',
  'http',
  'config',
  'compose',
  'athena',
  'demo',
  'command',
  'main',
]
const doors = ['federation', 'flight', 'http']
const at = (names) => `^service/(${names.join('|')})(/|\\.ts$)`

const upward = rooms.slice(0, -1).map((room, floor) => ({
  name: `${room}-imports-upward`,
  severity: 'error',
  from: { path: at([room]) },
  to: { path: at(rooms.slice(floor + 1)) },
}))

const betweenDoors = doors.map((door) => ({
  name: `${door}-opens-another-door`,
  severity: 'error',
  from: { path: at([door]) },
  to: { path: at(doors.filter((other) => other !== door)) },
}))

/** Only the named files may import the package. */
const fence = (name, packages, allowed) => ({
  name: `${name}-is-fenced`,
  severity: 'error',
  from: { path: '^(service|shim-lambda)/', pathNot: allowed },
  to: { path: `(^|node_modules/)(${packages})(/|$)` },
})

module.exports = {
  forbidden: [
    ...upward,
    ...betweenDoors,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'shim-is-thin',
      severity: 'error',
      from: { path: '^shim-lambda/' },
      to: { path: '^(service|test|deploy)/' },
    },
    {
      name: 'service-ignores-shim',
      severity: 'error',
      from: { path: '^service/' },
      to: { path: '^(shim-lambda|deploy)/' },
    },
    {
      name: 'proto-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^proto/' },
      to: { path: '^(service|shim-lambda|test|deploy)/' },
    },
    {
      name: 'product-ignores-test',
      severity: 'error',
      from: { path: '^(service|shim-lambda|proto)/' },
      to: { path: '^test/' },
    },
    {
      name: 'product-ignores-dev-dependencies',
      severity: 'error',
      from: { path: '^(service|proto|shim-lambda)/.*\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-orphan-resolution',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    fence('prom-client', 'prom-client', '^service/metrics/registry\\.ts$'),
    fence('fastify', 'fastify', '^service/(http|demo)/'),
    fence(
      'grpc',
      '@grpc/grpc-js',
      '^(service/(grpc|flight|federation|command)/|shim-lambda/gateway-client\\.ts$)',
    ),
    fence(
      'parquet-wasm',
      'parquet-wasm',
      '^service/(decode/parquet-wasm-decoder|demo/[a-z-]+)\\.ts$',
    ),
    fence(
      'aws-sdk',
      '@aws-sdk',
      '^(service/(objects|credentials|athena|demo)/|shim-lambda/(spill|secrets|data-key)\\.ts$)',
    ),
    fence('jose', 'jose', '^service/credentials/'),
    fence('yaml', 'yaml', '^service/credentials/'),
    fence('minio', 'minio', '^service/(objects|credentials|demo)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}

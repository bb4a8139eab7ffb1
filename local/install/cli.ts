import { install } from './install';

const start = performance.now();
install({ log: (line) => console.log(line) }).then(
  (installed) => {
    for (const { component, path } of installed) console.log(`${component.padEnd(12)} ${path}`);
    console.log(`Everything is there (${((performance.now() - start) / 1_000).toFixed(1)} s).`);
  },
  (error: Error) => {
    console.error(`Install failed: ${error.message}`);
    process.exitCode = 1;
  },
);

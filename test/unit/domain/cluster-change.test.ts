import { changesBetween, describeChanges, mergePatch } from '../../../lambdas/domain/cluster-change';
import { spec } from './examples';

/** RFC 7396, appendix A. */
test.each<[unknown, unknown, unknown]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('%j patched with %j is %j', (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result);
});

test('a key that means something to JavaScript is a key like any other', () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}')) as object;
  expect(Object.keys(merged)).toEqual(['__proto__']);
  expect({}).not.toHaveProperty('polluted');
});

test('what is written in another order is no change', () => {
  const one = spec({ drill: { schedule: 'rate(7 days)', mode: 'lost' } });
  const other = spec({ drill: { mode: 'lost', schedule: 'rate(7 days)' } });
  expect(changesBetween(one, other)).toEqual([]);
});

test('a change is told from what to what, and when it counts', () => {
  const changes = changesBetween(spec(), spec({ overrides: { taskManagers: { max: 4 } }, purchase: { instanceTypes: ['c5.2xlarge'] } }));
  expect(changes).toEqual([
    { field: 'overrides.taskManagers.max', to: 4, takesEffect: 'next-hosts' },
    { field: 'purchase.instanceTypes', to: ['c5.2xlarge'], takesEffect: 'next-epoch' },
  ]);
  expect(describeChanges(changes)).toMatch(
    /^overrides\.taskManagers\.max from the default to 4, when hosts .*; purchase\.instanceTypes from the default to \["c5\.2xlarge"\], for hosts that are made/,
  );
  expect(describeChanges([])).toBe('All settings were as asked already.');
});

import { Writable } from 'node:stream';
import { Airports } from '../../../local/demo/airports';
import { PlainView } from '../../../local/demo/view';

const written = (): { out: Writable; lines: string[] } => {
  const lines: string[] = [];
  const out = new Writable({
    write: (chunk, _, done) => {
      lines.push(...String(chunk).trimEnd().split('\n'));
      done();
    },
  });
  return { out, lines };
};

describe('progress as lines', () => {
  test('says each step once, however often it is told', () => {
    const { out, lines } = written();
    const view = new PlainView(out);
    for (let look = 0; look < 3; look += 1) {
      view.step({ parent: 'Launch', name: 'Look for slots', state: 'running', detail: '0 of 4 slots' });
      view.step({ parent: 'Launch', name: 'Create fleet', state: 'done', seconds: 0.1 });
    }
    view.step({ parent: 'Launch', name: 'Look for slots', state: 'running', detail: '4 of 4 slots' });
    view.step({ parent: 'Launch', name: 'Look for slots', state: 'done', seconds: 6.1 });
    expect(lines.map((line) => line.replace(/\s+/g, ' '))).toEqual([
      '… Launch › Look for slots: 0 of 4 slots',
      '✓ Launch › Create fleet 0.1 s',
      '… Launch › Look for slots: 4 of 4 slots',
      '✓ Launch › Look for slots 6.1 s',
    ]);
  });

  test('shows a failure with its time', () => {
    const { out, lines } = written();
    new PlainView(out).step({ name: 'Submit the SQL job', state: 'failed', seconds: 2 });
    expect(lines[0]).toMatch(/^✗ Submit the SQL job +2\.0 s$/);
  });
});

test('airports are added up over days, weighted by their flights', () => {
  const airports = new Airports();
  airports.add({ origin: 'ORD', day: '2001-01-01', flights: 100, mean_delay: 10, delayed_share: 0.5 });
  airports.add({ origin: 'ORD', day: '2001-01-02', flights: 300, mean_delay: 2, delayed_share: 0.1 });
  airports.add({ origin: 'SFO', day: '2001-01-01', flights: 50, mean_delay: -1, delayed_share: 0 });
  expect(airports).toMatchObject({ rows: 3, day: '2001-01-02' });
  const [first, second] = airports.busiest(2);
  expect(first).toMatchObject({ code: 'ORD', flights: 400, meanDelayMinutes: 4 });
  expect(first?.delayedShare).toBeCloseTo(0.2);
  expect(second).toMatchObject({ code: 'SFO', flights: 50 });
});

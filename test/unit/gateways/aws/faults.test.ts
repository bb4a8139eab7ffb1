import { createFakeStore } from '../../../fakes/fake-store';
import { createFakeWorkflows } from '../../../fakes/fake-workflows';

describe('A fake', () => {
  test('fails the next calls as planned, in order, before or after their effect', async () => {
    const workflows = createFakeWorkflows();
    workflows.failNext('start', new Error('first'));
    workflows.failNext('start', new Error('second'), 'after');
    await expect(workflows.start('submit-job', 'op-1')).rejects.toThrow('first');
    expect(await workflows.state('submit-job', 'op-1')).toBe('absent');
    await expect(workflows.start('submit-job', 'op-1')).rejects.toThrow('second');
    expect(await workflows.state('submit-job', 'op-1')).toBe('running');
    await workflows.start('submit-job', 'op-1');
    expect(workflows.started).toHaveLength(1);
    expect(workflows.calls.map(({ method }) => method)).toEqual(['start', 'state', 'start', 'state', 'start']);
  });

  test('gives nothing away that a test could change behind its back', async () => {
    const store = createFakeStore();
    const clusters = await store.clusters({ limit: 5 });
    (clusters.items as unknown[]).push('intruder');
    expect((await store.clusters({ limit: 5 })).items).toEqual([]);
  });
});

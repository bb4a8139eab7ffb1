package sluice.ha;

import java.io.IOException;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.runtime.checkpoint.CheckpointStoreUtil;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStore;
import org.apache.flink.runtime.state.CompositeStateHandle;
import org.apache.flink.runtime.state.SharedStateRegistry;
import org.apache.flink.runtime.state.SharedStateRegistryKey;
import org.apache.flink.runtime.state.StreamStateHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Flink's store of a job's complete checkpoints, which looks besides for the savepoint that the job was being stopped with: once when it is opened, and again
 * where more has been completed since than was entered. Opened, it is where the JobMaster waits for storage; later, the JobMaster waits in the thread of its
 * heartbeats, so that it looks only where there may be something.
 */
final class RecoveredCheckpoints extends DefaultCompletedCheckpointStore<EntryStore.Presence> {
  /** @see StopSavepoint */
  interface Savepoints {
    CompletedCheckpoint after(long newest) throws IOException;
  }

  private static final Logger LOG = LoggerFactory.getLogger(RecoveredCheckpoints.class);
  private static final int EXIT_CODE = 1;

  private final Savepoints savepoints;
  private final AtomicLong completed;
  private CompletedCheckpoint stoppedWith;

  private RecoveredCheckpoints(
      int retained,
      EntryStore<CompletedCheckpoint> entries,
      CheckpointStoreUtil names,
      Collection<CompletedCheckpoint> found,
      Counting sharedState,
      Executor executor,
      Savepoints savepoints)
      throws IOException {
    super(retained, entries, names, found, sharedState, executor);
    this.savepoints = savepoints;
    this.completed = sharedState.completed;
    this.stoppedWith = savepoints.after(idOf(super.getLatestCheckpoint()));
  }

  /** @throws IOException when the storage does not say what it has: the process that recovers the job then ends, and is started again */
  static RecoveredCheckpoints open(
      int retained,
      EntryStore<CompletedCheckpoint> entries,
      CheckpointStoreUtil names,
      Collection<CompletedCheckpoint> found,
      SharedStateRegistry sharedState,
      Executor executor,
      Savepoints savepoints)
      throws IOException {
    return new RecoveredCheckpoints(retained, entries, names, found, new Counting(sharedState, new AtomicLong()), executor, savepoints);
  }

  @Override
  public synchronized CompletedCheckpoint getLatestCheckpoint() {
    CompletedCheckpoint entered = super.getLatestCheckpoint();
    long newest = idOf(entered);
    if (completed.getAndSet(newest) > newest) {
      try {
        stoppedWith = savepoints.after(newest);
      } catch (IOException e) {
        LOG.error("Whether the job was being stopped cannot be known. This JobManager ends, and is started again.", e);
        // Thrown, it would be the end of the job.
        Runtime.getRuntime().halt(EXIT_CODE);
      }
    }
    return stoppedWith != null && stoppedWith.getCheckpointID() > newest ? stoppedWith : entered;
  }

  private static long idOf(CompletedCheckpoint checkpoint) {
    return checkpoint == null ? 0 : checkpoint.getCheckpointID();
  }

  /** Is told of every checkpoint and savepoint just before its metadata is written, also of those that are not entered. */
  private record Counting(SharedStateRegistry registry, AtomicLong completed) implements SharedStateRegistry {
    @Override
    public void checkpointCompleted(long id) {
      completed.accumulateAndGet(id, Math::max);
      registry.checkpointCompleted(id);
    }

    @Override
    public StreamStateHandle registerReference(SharedStateRegistryKey key, StreamStateHandle state, long checkpoint, boolean preventDiscard) {
      return registry.registerReference(key, state, checkpoint, preventDiscard);
    }

    @Override
    public Set<Long> unregisterUnusedState(long lowestCheckpoint) {
      return registry.unregisterUnusedState(lowestCheckpoint);
    }

    @Override
    public void registerAll(Iterable<? extends CompositeStateHandle> states, long checkpoint) {
      registry.registerAll(states, checkpoint);
    }

    @Override
    public void registerAllAfterRestored(CompletedCheckpoint checkpoint, RecoveryClaimMode mode) {
      registry.registerAllAfterRestored(checkpoint, mode);
    }

    @Override
    public void close() throws Exception {
      registry.close();
    }
  }
}

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
 * where more has been completed since than was entered.
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
      Savepoints savepoints) {
    super(retained, entries, names, found, sharedState, executor);
    this.savepoints = savepoints;
    this.completed = sharedState.completed;
  }

  static RecoveredCheckpoints of(
      int retained,
      EntryStore<CompletedCheckpoint> entries,
      CheckpointStoreUtil names,
      Collection<CompletedCheckpoint> found,
      SharedStateRegistry sharedState,
      Executor executor,
      Savepoints savepoints) {
    return new RecoveredCheckpoints(retained, entries, names, found, new Counting(sharedState), executor, savepoints);
  }

  @Override
  public synchronized CompletedCheckpoint getLatestCheckpoint() {
    CompletedCheckpoint entered = super.getLatestCheckpoint();
    long newest = entered == null ? 0 : entered.getCheckpointID();
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

  /** Is told of every complete checkpoint and savepoint, also of those that are not entered. */
  private record Counting(SharedStateRegistry registry, AtomicLong completed) implements SharedStateRegistry {
    Counting(SharedStateRegistry registry) {
      // What was completed before this process began is not known.
      this(registry, new AtomicLong(Long.MAX_VALUE));
    }

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

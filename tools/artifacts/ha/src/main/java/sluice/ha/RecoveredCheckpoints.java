package sluice.ha;

import java.util.Collection;
import java.util.concurrent.Executor;
import org.apache.flink.runtime.checkpoint.CheckpointStoreUtil;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStore;
import org.apache.flink.runtime.state.SharedStateRegistry;

/**
 * Flink's store of a job's complete checkpoints, and the savepoint that the job was being stopped with when its JobManager was lost. While a JobManager
 * lives there is none to look for: what goes wrong behind such a savepoint ends the job as failed (StopWithSavepointStoppingException is not recoverable).
 */
final class RecoveredCheckpoints extends DefaultCompletedCheckpointStore<EntryStore.Presence> {
  private final CompletedCheckpoint stoppedWith;

  /** @param stoppedWith null: it was not being stopped */
  RecoveredCheckpoints(
      int retained,
      EntryStore<CompletedCheckpoint> entries,
      CheckpointStoreUtil names,
      Collection<CompletedCheckpoint> found,
      SharedStateRegistry sharedState,
      Executor executor,
      CompletedCheckpoint stoppedWith) {
    super(retained, entries, names, found, sharedState, executor);
    this.stoppedWith = stoppedWith;
  }

  @Override
  public CompletedCheckpoint getLatestCheckpoint() {
    CompletedCheckpoint entered = super.getLatestCheckpoint();
    boolean isPast = stoppedWith == null || entered != null && entered.getCheckpointID() > stoppedWith.getCheckpointID();
    return isPast ? entered : stoppedWith;
  }
}

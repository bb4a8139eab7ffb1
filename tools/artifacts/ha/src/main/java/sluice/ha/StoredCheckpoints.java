package sluice.ha;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.checkpoint.CheckpointStoreUtil;
import org.apache.flink.runtime.checkpoint.Checkpoints;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.checkpoint.CompletedCheckpointStore;
import org.apache.flink.runtime.checkpoint.DefaultCompletedCheckpointStoreUtils;
import org.apache.flink.runtime.checkpoint.metadata.CheckpointMetadata;
import org.apache.flink.runtime.state.SharedStateRegistryFactory;
import org.apache.flink.streaming.api.graph.ExecutionPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job's complete checkpoints and the ids that were given to checkpoints, as the last JobManager left them. */
final class StoredCheckpoints implements CheckpointRecoveryFactory {
  private static final Logger LOG = LoggerFactory.getLogger(StoredCheckpoints.class);

  private final Storage storage;
  private final Executor executor;

  StoredCheckpoints(Storage storage, Executor executor) {
    this.storage = storage;
    this.executor = executor;
  }

  @Override
  public CompletedCheckpointStore createRecoveredCompletedCheckpointStore(
      JobID job, int retained, SharedStateRegistryFactory sharedState, Executor ioExecutor, RecoveryClaimMode claimMode)
      throws Exception {
    EntryStore<CompletedCheckpoint> entries = storage.checkpoints(job, StoredCheckpoints::checkMetadata);
    Collection<CompletedCheckpoint> found = DefaultCompletedCheckpointStoreUtils.retrieveCompletedCheckpoints(entries, Names.INSTANCE);
    if (entries.broken() > 0 && found.isEmpty()) {
      // Going on would be starting without state.
      throw new IOException("Job " + job + ": none of its " + entries.broken() + " checkpoints in " + entries + " can be read");
    }
    if (entries.broken() > 0) {
      LOG.error("Job {}: {} of its checkpoints cannot be read; it goes on from the newest of {} others.", job, entries.broken(), found.size());
    }
    return new RecoveredCheckpoints(
        retained, entries, Names.INSTANCE, found, sharedState.create(ioExecutor, found, claimMode), executor, stoppedWith(job, found).orElse(null));
  }

  private Optional<CompletedCheckpoint> stoppedWith(JobID job, Collection<CompletedCheckpoint> entered) throws Exception {
    long newest = entered.stream().mapToLong(CompletedCheckpoint::getCheckpointID).max().orElse(0);
    Optional<Path> directory = savepointDirectory(job);
    return directory.isPresent() ? StopSavepoint.after(newest, job, directory.get()) : Optional.empty();
  }

  /** A job's plan is stored before the job is started. */
  private Optional<Path> savepointDirectory(JobID job) throws Exception {
    ExecutionPlan plan = Patience.with("The plan of job " + job, () -> storage.plans().read(job.toHexString())).retrieveState();
    return plan.getJobConfiguration().getOptional(CheckpointingOptions.SAVEPOINT_DIRECTORY).map(Path::new);
  }

  @Override
  public CheckpointIDCounter createCheckpointIDCounter(JobID job) throws Exception {
    EntryStore<CompletedCheckpoint> entries = storage.checkpoints(job, checkpoint -> {});
    long newest = entries.names().stream().mapToLong(Names.INSTANCE::nameToCheckpointID).max().orElse(0);
    return new StoredCounter(storage.counter(job), newest);
  }

  /** An entry whose checkpoint has lost its metadata is of no use. All of it is read first: what goes wrong then is the storage's, not the checkpoint's. */
  static void checkMetadata(CompletedCheckpoint checkpoint) throws IOException {
    byte[] metadata;
    try (InputStream in = checkpoint.getMetadataHandle().openInputStream()) {
      metadata = in.readAllBytes();
    } catch (FileNotFoundException e) {
      throw new Damaged(checkpoint.getExternalPointer() + " has lost its metadata", e);
    }
    parsed(metadata, checkpoint.getExternalPointer());
  }

  static CheckpointMetadata parsed(byte[] metadata, String pointer) throws Damaged {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(metadata))) {
      return Checkpoints.loadCheckpointMetadata(in, StoredCheckpoints.class.getClassLoader(), pointer);
    } catch (IOException | RuntimeException e) {
      throw new Damaged(pointer + " cannot be read", e);
    }
  }

  private enum Names implements CheckpointStoreUtil {
    INSTANCE;

    @Override
    public String checkpointIDToName(long id) {
      return String.format("%019d", id);
    }

    @Override
    public long nameToCheckpointID(String name) {
      try {
        return Long.parseLong(name);
      } catch (NumberFormatException e) {
        return INVALID_CHECKPOINT_ID;
      }
    }
  }
}

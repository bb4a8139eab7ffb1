package sluice.ha;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.blob.BlobStore;
import org.apache.flink.runtime.blob.BlobStoreService;
import org.apache.flink.runtime.blob.BlobUtils;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.highavailability.FileSystemJobResultStore;
import org.apache.flink.runtime.highavailability.JobResultStore;
import org.apache.flink.runtime.highavailability.nonha.standalone.StandaloneHaServices;
import org.apache.flink.runtime.jobmanager.ExecutionPlanStore;
import org.apache.flink.runtime.jobmanager.ExecutionPlanStoreUtil;

/**
 * The JobManager is the process that has the cluster's address: that it leads needs no election, as in a standalone cluster. What it has
 * to know after a restart (jobs with their settings, their complete checkpoints, their jars) lies below the storage directory of this
 * epoch of the cluster.
 */
class StoredServices extends StandaloneHaServices {
  private final Configuration configuration;
  private final Executor executor;
  private final BlobStoreService blobs;
  private Storage storage;
  private JobResultStore results;

  StoredServices(String resourceManager, String dispatcher, String rest, Configuration configuration, Executor executor)
      throws IOException {
    super(resourceManager, dispatcher, rest);
    this.configuration = configuration;
    this.executor = executor;
    this.blobs = BlobUtils.createBlobStoreFromConfig(configuration);
  }

  @Override
  public BlobStore createBlobStore() {
    return blobs;
  }

  @Override
  public ExecutionPlanStore getExecutionPlanStore() throws Exception {
    return new OwnStorage<>(configuration, storage().plans(), JobNames.INSTANCE);
  }

  @Override
  public synchronized JobResultStore getJobResultStore() throws Exception {
    if (results == null) {
      storage().forgetEndedJobs(blobs);
      results = new FencedResults(FileSystemJobResultStore.fromConfiguration(configuration, executor), storage().fence(), executor);
    }
    return results;
  }

  @Override
  public CheckpointRecoveryFactory getCheckpointRecoveryFactory() {
    try {
      return new StoredCheckpoints(storage(), executor);
    } catch (IOException e) {
      throw new IllegalStateException("The storage for recovery cannot be reached", e);
    }
  }

  @Override
  public CompletableFuture<Void> globalCleanupAsync(JobID job, Executor cleanupExecutor) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            storage().forgetCheckpointsOf(job);
          } catch (IOException e) {
            throw new CompletionException(e);
          }
        },
        cleanupExecutor);
  }

  @Override
  public void close() throws Exception {
    try (BlobStoreService closing = blobs) {
      super.close();
    }
  }

  /** What ends this process before it changes anything, besides the fence of the epoch. */
  List<Fence.Mark> marks() {
    return List.of();
  }

  private synchronized Storage storage() throws IOException {
    if (storage == null) {
      storage = Storage.open(configuration, marks());
    }
    return storage;
  }

  private enum JobNames implements ExecutionPlanStoreUtil {
    INSTANCE;

    @Override
    public String jobIDToName(JobID job) {
      return job.toHexString();
    }

    @Override
    public JobID nameToJobID(String name) {
      return JobID.fromHexString(name);
    }
  }
}

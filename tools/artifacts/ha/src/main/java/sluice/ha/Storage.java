package sluice.ha;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.HighAvailabilityOptions;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.runtime.blob.BlobStoreService;
import org.apache.flink.runtime.checkpoint.CompletedCheckpoint;
import org.apache.flink.runtime.highavailability.FileSystemJobResultStore;
import org.apache.flink.streaming.api.graph.ExecutionPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where things lie below {@code high-availability.storageDir}:
 *
 * <pre>
 * fenced                                    there when this epoch of the cluster may not write any more
 * leaders/…                                 with a stand-by: who leads (Terms)
 * classes                                   with a stand-by: what a leader has loaded (StandBy)
 * plans/&lt;jobId&gt;                             a job that is to run
 * checkpoints/&lt;jobId&gt;/&lt;checkpoint id&gt;       a complete checkpoint of it
 * counters/&lt;jobId&gt;/next                     the checkpoint ids that were given out
 * job-result-store/&lt;cluster id&gt;/…           Flink's: a job that has ended and is being cleaned up after
 * &lt;cluster id&gt;/blob/…                       Flink's: jars
 * </pre>
 */
final class Storage {
  private static final Logger LOG = LoggerFactory.getLogger(Storage.class);
  private static final String ENDED = "_DIRTY.json";

  private final Path root;
  private final Path results;
  private final FileSystem files;
  private final Fence fence;

  private Storage(Path root, Path results, List<Fence.Mark> marks) throws IOException {
    this.root = root;
    this.results = results;
    this.files = root.getFileSystem();
    Path fenced = new Path(root, "fenced");
    List<Fence.Mark> all = new ArrayList<>(marks);
    all.add(new Fence.Mark(fenced + " says that another epoch has taken over.", () -> files.exists(fenced)));
    this.fence = new Fence(all);
  }

  /** Ends the process when the storage is fenced. */
  static Storage open(Configuration configuration, List<Fence.Mark> marks) throws IOException {
    Storage storage = of(configuration, marks);
    storage.fence.check();
    storage.fence.holdForThisProcess();
    LOG.info("Jobs are recovered from {}.", storage.root);
    return storage;
  }

  /** To look at what is there. */
  static Storage of(Configuration configuration, List<Fence.Mark> marks) throws IOException {
    String root = configuration.get(HighAvailabilityOptions.HA_STORAGE_PATH);
    String clusterId = configuration.get(HighAvailabilityOptions.HA_CLUSTER_ID);
    Path results = new Path(FileSystemJobResultStore.createDefaultJobResultStorePath(root, clusterId));
    return new Storage(new Path(root), results, marks);
  }

  Fence fence() {
    return fence;
  }

  EntryStore<ExecutionPlan> plans() {
    return new EntryStore<>(files, new Path(root, "plans"), fence, plan -> {});
  }

  EntryStore<CompletedCheckpoint> checkpoints(JobID job, EntryStore.Check<CompletedCheckpoint> check) {
    return new EntryStore<>(files, new Path(root, "checkpoints/" + job.toHexString()), fence, check);
  }

  EntryStore<Long> counter(JobID job) {
    return new EntryStore<>(files, new Path(root, "counters/" + job.toHexString()), fence, number -> {});
  }

  void forgetCheckpointsOf(JobID job) throws IOException {
    fence.check();
    files.delete(new Path(root, "checkpoints/" + job.toHexString()), true);
    files.delete(new Path(root, "counters/" + job.toHexString()), true);
  }

  /**
   * A job whose end was recorded, but not yet cleaned up after, when the last JobManager died, has ended. Flink 2.3 does not start with
   * such a record of a job that was submitted through REST (it looks for the job's application, which nobody stores), and the name of
   * the record is all that is needed: also a half-written one says that the job has ended.
   */
  void forgetEndedJobs(BlobStoreService blobs) throws IOException {
    EntryStore<ExecutionPlan> plans = plans();
    for (String name : EntryStore.names(files, results)) {
      if (!name.endsWith(ENDED)) {
        continue;
      }
      JobID job = JobID.fromHexString(name.substring(0, name.length() - ENDED.length()));
      LOG.info("Job {} had ended when the JobManager was lost: it is not started again.", job);
      plans.releaseAndTryRemove(job.toHexString());
      forgetCheckpointsOf(job);
      blobs.deleteAll(job);
      files.delete(new Path(results, name), false);
    }
  }
}

package sluice.ha;

import java.io.IOException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.apache.flink.api.common.JobID;
import org.apache.flink.runtime.highavailability.JobResultEntry;
import org.apache.flink.runtime.highavailability.JobResultStore;
import org.apache.flink.runtime.jobmaster.JobResult;

/** The record of ended jobs: of a JobManager that may change nothing any more, no job has ended. */
final class FencedResults implements JobResultStore {
  private final JobResultStore results;
  private final Fence fence;
  private final Executor executor;

  FencedResults(JobResultStore results, Fence fence, Executor executor) {
    this.results = results;
    this.fence = fence;
    this.executor = executor;
  }

  @Override
  public CompletableFuture<Void> createDirtyResultAsync(JobResultEntry entry) {
    return checked().thenCompose(free -> results.createDirtyResultAsync(entry));
  }

  @Override
  public CompletableFuture<Void> markResultAsCleanAsync(JobID job) {
    return checked().thenCompose(free -> results.markResultAsCleanAsync(job));
  }

  @Override
  public CompletableFuture<Boolean> hasDirtyJobResultEntryAsync(JobID job) {
    return results.hasDirtyJobResultEntryAsync(job);
  }

  @Override
  public CompletableFuture<Boolean> hasCleanJobResultEntryAsync(JobID job) {
    return results.hasCleanJobResultEntryAsync(job);
  }

  @Override
  public Set<JobResult> getDirtyResults() throws IOException {
    return results.getDirtyResults();
  }

  private CompletableFuture<Void> checked() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            fence.check();
          } catch (IOException e) {
            throw new CompletionException(e);
          }
        },
        executor);
  }
}

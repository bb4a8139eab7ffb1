package sluice.ha;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.checkpoint.CheckpointIDCounter;
import org.apache.flink.runtime.state.RetrievableStateHandle;

/** Gives ids out in blocks, so that not every checkpoint costs another write: a restarted JobManager goes on with the next block. */
final class StoredCounter implements CheckpointIDCounter {
  private static final long BLOCK = 16;
  private static final String NEXT = "next";
  /** Where the counter itself was damaged: more checkpoints than ever failed between two that completed. */
  private static final long LEAP = 10_000;

  private final EntryStore<Long> entries;
  private final long newestEntered;
  private long next;
  private long reserved;

  StoredCounter(EntryStore<Long> entries, long newestEntered) {
    this.entries = entries;
    this.newestEntered = newestEntered;
  }

  @Override
  public synchronized void start() throws Exception {
    List<Tuple2<RetrievableStateHandle<Long>, String>> stored = entries.getAllAndLock();
    long first = entries.broken() > 0 ? newestEntered + LEAP : INITIAL_CHECKPOINT_ID;
    next = Math.max(stored.isEmpty() ? first : stored.get(0).f0.retrieveState(), newestEntered + 1);
    reserved = next;
  }

  @Override
  public synchronized long getAndIncrement() throws Exception {
    if (next >= reserved) {
      reserve(next + BLOCK);
    }
    return next++;
  }

  @Override
  public synchronized long get() {
    return next;
  }

  @Override
  public synchronized void setCount(long id) throws Exception {
    next = id;
    if (next > reserved) {
      reserve(next + BLOCK);
    }
  }

  @Override
  public CompletableFuture<Void> shutdown(JobStatus status) {
    if (status.isGloballyTerminalState()) {
      try {
        entries.clearEntries();
      } catch (Exception e) {
        return CompletableFuture.failedFuture(e);
      }
    }
    return CompletableFuture.completedFuture(null);
  }

  private void reserve(long upTo) throws Exception {
    entries.write(NEXT, upTo);
    reserved = upTo;
  }
}

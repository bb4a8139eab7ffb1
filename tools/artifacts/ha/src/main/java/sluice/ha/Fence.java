package sluice.ha;

import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stops this JobManager: a file by which whoever takes a cluster's jobs over, as another epoch, stops this one, and with a stand-by, a
 * higher term. It is looked for before every change, and a checkpoint is entered before older ones are deleted: a JobManager that was out
 * of reach and comes back deletes nothing that its successor restored from. Its end ends its tasks.
 */
final class Fence {
  static final int EXIT_CODE = 43;
  private static final Logger LOG = LoggerFactory.getLogger(Fence.class);

  /** A checkpoint is entered and older ones removed in one go: one look is enough, and in S3 a look for what is not there is a dear request. */
  static final long FRESH_NANOS = 1_000_000_000L;

  record Mark(String meaning, Look look) {}

  interface Look {
    boolean isThere() throws IOException;
  }

  private static volatile Fence ofThisProcess;

  private final List<Mark> marks;
  private long absentAt = System.nanoTime() - FRESH_NANOS;

  Fence(List<Mark> marks) {
    this.marks = marks;
  }

  /** For what Flink makes by itself, without the services. @throws IllegalStateException in a process that recovers no jobs: only a JobManager completes savepoints */
  static Fence ofThisProcess() {
    if (ofThisProcess == null) {
      throw new IllegalStateException("This process has no storage for recovery, so it cannot know whether another has taken over");
    }
    return ofThisProcess;
  }

  void holdForThisProcess() {
    ofThisProcess = this;
  }

  /** @throws IOException when it cannot be known: then nothing is changed */
  synchronized void check() throws IOException {
    if (System.nanoTime() - absentAt < FRESH_NANOS) {
      return;
    }
    long now = System.nanoTime();
    for (Mark mark : marks) {
      if (mark.look().isThere()) {
        end(mark.meaning());
      }
    }
    absentAt = now;
  }

  static void end(String why) {
    LOG.error("{} This JobManager ends now.", why);
    System.err.println(why + " This JobManager ends now.");
    Runtime.getRuntime().halt(EXIT_CODE);
  }
}

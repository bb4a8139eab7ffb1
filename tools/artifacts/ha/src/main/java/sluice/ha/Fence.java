package sluice.ha;

import java.io.IOException;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file by which whoever takes a cluster's jobs over, as another epoch, stops this one. It is looked for before every change, and a
 * checkpoint is entered before older ones are deleted: a JobManager that was out of reach and comes back deletes nothing that the new
 * epoch restored from. Its end ends its tasks.
 */
final class Fence {
  static final int EXIT_CODE = 43;
  private static final Logger LOG = LoggerFactory.getLogger(Fence.class);

  /** A checkpoint is entered and older ones removed in one go: one look is enough, and in S3 a look for what is not there is a dear request. */
  private static final long FRESH_NANOS = 1_000_000_000L;

  private final FileSystem files;
  private final Path mark;
  private long absentAt = System.nanoTime() - FRESH_NANOS;

  Fence(FileSystem files, Path mark) {
    this.files = files;
    this.mark = mark;
  }

  /** @throws IOException when it cannot be known: then nothing is changed */
  synchronized void check() throws IOException {
    if (System.nanoTime() - absentAt < FRESH_NANOS) {
      return;
    }
    long now = System.nanoTime();
    if (files.exists(mark)) {
      LOG.error("{} says that another epoch has taken over. This JobManager ends now.", mark);
      System.err.println(mark + " says that another epoch has taken over. This JobManager ends now.");
      Runtime.getRuntime().halt(EXIT_CODE);
    }
    absentAt = now;
  }
}

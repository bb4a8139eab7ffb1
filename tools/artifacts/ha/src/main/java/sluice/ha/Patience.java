package sluice.ha;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that the storage does not give is not one that is damaged, or not there: it is asked for again, and then all fails, since going on without it could be
 * going on from an older state, or without a job.
 */
final class Patience {
  private static final Logger LOG = LoggerFactory.getLogger(Patience.class);

  /** Waits between looks, on top of what the storage's client tries by itself; the process that ends then is started again. */
  private static final long[] PAUSES_MS = {200, 500, 1_000, 2_000, 4_000};

  interface Look<R> {
    R look() throws IOException;
  }

  private Patience() {}

  /** @throws FileNotFoundException when it is not there @throws Damaged when it is of no use @throws IOException when the storage does not say what it has */
  static <R> R with(Object what, Look<R> looking) throws IOException {
    for (int look = 0; ; look += 1) {
      try {
        return looking.look();
      } catch (FileNotFoundException | Damaged e) {
        throw e;
      } catch (IOException e) {
        if (look == PAUSES_MS.length) {
          throw new IOException(what + " cannot be read, and nothing says that it is damaged", e);
        }
        LOG.warn("{} cannot be read now and is asked for again: {}", what, e.toString());
        pause(PAUSES_MS[look]);
      }
    }
  }

  private static void pause(long millis) throws InterruptedIOException {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    }
  }
}

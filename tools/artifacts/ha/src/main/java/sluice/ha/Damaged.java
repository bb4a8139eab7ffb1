package sluice.ha;

import java.io.IOException;

/** What is stored is not what was written, and will not become better by being read again: unlike a storage that refuses to answer. */
final class Damaged extends IOException {
  private static final long serialVersionUID = 1L;

  Damaged(String message) {
    super(message);
  }

  Damaged(String message, Throwable cause) {
    super(message, cause);
  }
}

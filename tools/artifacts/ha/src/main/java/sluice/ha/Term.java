package sluice.ha;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * A time in which one process leads.
 *
 * @param number from 1, each higher than all before it
 * @param address of the process's host
 * @param instance its host, which a successor at the same address may not be
 * @param process made anew by every process: a term is won once
 */
record Term(long number, String address, String instance, String process) {
  /** The same for all components of a term; never Flink's own default of 0. */
  UUID sessionId() {
    return new UUID(0, number);
  }

  byte[] content() {
    return String.join("\n", address, instance, process, "").getBytes(StandardCharsets.UTF_8);
  }

  static Term of(long number, byte[] content) throws IOException {
    String[] lines = new String(content, StandardCharsets.UTF_8).split("\n");
    if (lines.length != 3) {
      throw new IOException("The leader of term " + number + " is not told in three lines");
    }
    return new Term(number, lines[0], lines[1], lines[2]);
  }

  boolean isOf(Term other) {
    return process.equals(other.process);
  }
}

package sluice.ha;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** {@code "SLHA" version(1) length(4) SHA-256(32) content}: a file of this form is whole, or known not to be. */
final class Envelope {
  private static final byte[] MAGIC = {'S', 'L', 'H', 'A', 1};
  private static final int DIGEST = 32;
  private static final int HEADER = MAGIC.length + Integer.BYTES + DIGEST;

  private Envelope() {}

  static byte[] serialize(Serializable content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(content);
    }
    return bytes.toByteArray();
  }

  static byte[] seal(byte[] content) {
    return ByteBuffer.allocate(HEADER + content.length).put(MAGIC).putInt(content.length).put(digest(content)).put(content).array();
  }

  static byte[] open(byte[] file) throws Damaged {
    if (file.length < HEADER || !Arrays.equals(MAGIC, Arrays.copyOf(file, MAGIC.length))) {
      throw new Damaged("not an entry, or only its beginning (" + file.length + " bytes)");
    }
    ByteBuffer rest = ByteBuffer.wrap(file, MAGIC.length, file.length - MAGIC.length);
    int length = rest.getInt();
    byte[] expected = new byte[DIGEST];
    rest.get(expected);
    if (length != rest.remaining()) {
      throw new Damaged("has " + rest.remaining() + " of " + length + " bytes");
    }
    byte[] content = new byte[length];
    rest.get(content);
    if (!MessageDigest.isEqual(expected, digest(content))) {
      throw new Damaged("its content is not what was written");
    }
    return content;
  }

  private static byte[] digest(byte[] content) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }
}

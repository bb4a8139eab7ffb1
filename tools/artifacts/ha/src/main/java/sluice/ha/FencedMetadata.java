package sluice.ha;

import java.io.IOException;
import org.apache.flink.runtime.state.CheckpointMetadataOutputStream;
import org.apache.flink.runtime.state.CompletedCheckpointStorageLocation;

/** Metadata of which nobody hears where the fence was put before it was written: it lies there then, and whoever comes next may go on from it. */
final class FencedMetadata extends CheckpointMetadataOutputStream {
  private final CheckpointMetadataOutputStream out;
  private final Fence fence;

  FencedMetadata(CheckpointMetadataOutputStream out, Fence fence) {
    this.out = out;
    this.fence = fence;
  }

  @Override
  public CompletedCheckpointStorageLocation closeAndFinalizeCheckpoint() throws IOException {
    fence.check();
    CompletedCheckpointStorageLocation location = out.closeAndFinalizeCheckpoint();
    fence.check();
    return location;
  }

  @Override
  public void write(int b) throws IOException {
    out.write(b);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    out.write(bytes, from, length);
  }

  @Override
  public long getPos() throws IOException {
    return out.getPos();
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void sync() throws IOException {
    out.sync();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
